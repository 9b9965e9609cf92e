// The `network` part of a remote provider's configuration.
#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/quote.h"
#include "provider/remote_config.h"

namespace cria::provider {
namespace {

namespace json = base::json;
using std::chrono::milliseconds;

constexpr double kMaxSeconds = 7 * 86400;

absl::Status Bad(const std::string& key, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("'", key, "': ", what));
}

// The object under `key`; null if absent.
absl::StatusOr<const json::object*> ObjectIn(const json::object& object, const std::string& key,
                                             const std::string& where) {
  const json::value* value = base::Find(object, key);
  if (value == nullptr) return static_cast<const json::object*>(nullptr);
  if (!value->is_object())
    return Bad(where + key,
               absl::StrCat("expected an object, found ", std::string(base::JsonTypeName(*value))));
  return &value->get_object();
}

absl::StatusOr<std::string> TextIn(const json::object& object, const std::string& key,
                                   const std::string& where) {
  absl::StatusOr<std::optional<std::string>> text = base::GetString(object, key);
  if (!text.ok())
    return Bad(where + key, absl::StrCat("expected a string, found ",
                                         std::string(base::JsonTypeName(object.at(key)))));
  return std::move(*text).value_or("");
}

absl::Status OnlyKeys(const json::object& object, const std::string& where,
                      std::initializer_list<const char*> known) {
  for (const auto& member : object) {
    const std::string key(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), key) == known.end())
      return Bad(where + key,
                 absl::StrCat("no such key here; there are ", absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileIn(const json::object& object, const std::string& key,
                                   const std::string& where) {
  CRIA_ASSIGN_OR_RETURN(std::string path, TextIn(object, key, where));
  if (!path.empty() && !base::FileExists(path))
    return Bad(where + key, absl::StrCat("there is no file ", base::Quote(path)));
  return path;
}

// A string, or a list of strings joined by `separator`.
absl::StatusOr<std::string> ListIn(const json::object& object, const std::string& key,
                                   const std::string& where, const char* separator) {
  const json::value* value = base::Find(object, key);
  if (value == nullptr || !value->is_array()) return TextIn(object, key, where);
  std::vector<std::string> items;
  for (const json::value& item : value->get_array()) {
    if (!item.is_string())
      return Bad(where + key,
                 absl::StrCat("expected strings, found ", std::string(base::JsonTypeName(item))));
    items.emplace_back(item.get_string().data(), item.get_string().size());
  }
  return absl::StrJoin(items, separator);
}

absl::Status ReadTls(const json::object& tls, HttpSettings* settings) {
  const std::string where = "network.tls.";
  CRIA_RETURN_IF_ERROR(
      OnlyKeys(tls, where, {"verify", "min_version", "ciphers", "client_cert", "client_key"}));
  if (const json::value* verify = base::Find(tls, "verify")) {
    if (verify->is_bool()) {
      settings->verify_tls = verify->get_bool();
    } else if (verify->is_string()) {
      CRIA_ASSIGN_OR_RETURN(settings->ca_file, FileIn(tls, "verify", where));
    } else {
      return Bad(where + "verify",
                 absl::StrCat("expected true, false or a file of certificates, found ",
                              std::string(base::JsonTypeName(*verify))));
    }
  }
  CRIA_ASSIGN_OR_RETURN(settings->min_tls_version, TextIn(tls, "min_version", where));
  const std::string& version = settings->min_tls_version;
  if (!version.empty() && version != "TLSv1.2" && version != "TLSv1.3")
    return Bad(where + "min_version",
               absl::StrCat("expected TLSv1.2 or TLSv1.3, found ", base::Quote(version)));
  CRIA_ASSIGN_OR_RETURN(settings->ciphers, ListIn(tls, "ciphers", where, ":"));
  CRIA_ASSIGN_OR_RETURN(settings->client_cert, FileIn(tls, "client_cert", where));
  CRIA_ASSIGN_OR_RETURN(settings->client_key, FileIn(tls, "client_key", where));
  if (settings->client_cert.empty() && !settings->client_key.empty())
    return Bad(where + "client_cert", "is missing, though there is a client_key");
  return absl::OkStatus();
}

absl::Status ReadProxy(const json::object& proxy, bool https, HttpSettings* settings) {
  const std::string where = "network.proxy.";
  CRIA_RETURN_IF_ERROR(OnlyKeys(proxy, where, {"url", "http", "https", "cacert", "no_proxy"}));
  CRIA_ASSIGN_OR_RETURN(const std::string all, TextIn(proxy, "url", where));
  const std::string key = https ? "https" : "http";
  CRIA_ASSIGN_OR_RETURN(const std::string own, TextIn(proxy, key, where));
  const std::string& url = own.empty() ? all : own;
  if (!url.empty()) {
    if (ServerOf(url).empty())
      return Bad(where + (own.empty() ? "url" : key),
                 "expected a URL that starts with http:// or https://");
    settings->proxy = url;
  }
  CRIA_ASSIGN_OR_RETURN(settings->proxy_ca_file, FileIn(proxy, "cacert", where));
  CRIA_ASSIGN_OR_RETURN(settings->no_proxy, ListIn(proxy, "no_proxy", where, ","));
  return absl::OkStatus();
}

absl::Status ReadSeconds(const json::value* value, const std::string& key, milliseconds* time) {
  if (value == nullptr) return absl::OkStatus();
  const double seconds = value->is_number() ? value->to_number<double>() : -1;
  if (!(seconds >= 0.001 && seconds <= kMaxSeconds))
    return Bad(key, absl::StrCat("expected seconds above 0, found ",
                                 value->is_number() ? absl::StrCat(seconds)
                                                    : std::string(base::JsonTypeName(*value))));
  *time = milliseconds(std::llround(seconds * 1000));
  return absl::OkStatus();
}

absl::Status ReadTimeout(const json::value& timeout, HttpSettings* settings) {
  const std::string where = "network.timeout";
  const json::object* object = timeout.if_object();
  if (object == nullptr) {  // one number for both
    CRIA_RETURN_IF_ERROR(ReadSeconds(&timeout, where, &settings->connect_timeout));
    return ReadSeconds(&timeout, where, &settings->read_timeout);
  }
  CRIA_RETURN_IF_ERROR(OnlyKeys(*object, where + ".", {"connect", "read"}));
  CRIA_RETURN_IF_ERROR(
      ReadSeconds(base::Find(*object, "connect"), where + ".connect", &settings->connect_timeout));
  return ReadSeconds(base::Find(*object, "read"), where + ".read", &settings->read_timeout);
}

}  // namespace

absl::StatusOr<HttpSettings> ReadNetwork(const json::object* network, bool https) {
  HttpSettings settings;
  if (network == nullptr) return settings;
  const std::string where = "network.";
  CRIA_RETURN_IF_ERROR(OnlyKeys(*network, where, {"tls", "proxy", "timeout", "headers"}));
  CRIA_ASSIGN_OR_RETURN(const json::object* tls, ObjectIn(*network, "tls", where));
  if (tls != nullptr) CRIA_RETURN_IF_ERROR(ReadTls(*tls, &settings));
  CRIA_ASSIGN_OR_RETURN(const json::object* proxy, ObjectIn(*network, "proxy", where));
  if (proxy != nullptr) CRIA_RETURN_IF_ERROR(ReadProxy(*proxy, https, &settings));
  if (const json::value* timeout = base::Find(*network, "timeout"))
    CRIA_RETURN_IF_ERROR(ReadTimeout(*timeout, &settings));
  return settings;
}

absl::Status CheckHeader(const std::string& name, const std::string& value,
                         const std::string& key) {
  constexpr const char* kOurs[] = {"host",
                                   "content-length",
                                   "transfer-encoding",
                                   "connection",
                                   "keep-alive",
                                   "upgrade",
                                   "te",
                                   "trailer",
                                   "expect",
                                   "content-type",
                                   "content-encoding",
                                   "accept-encoding",
                                   "proxy-authorization",
                                   "proxy-connection"};
  const auto is_token = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token))
    return Bad(key, absl::StrCat(base::Quote(name), " is no name of a header"));
  const std::string lower = absl::AsciiStrToLower(name);
  if (std::find(std::begin(kOurs), std::end(kOurs), lower) != std::end(kOurs))
    return Bad(key,
               absl::StrCat("the header ", name, " can't be set: it belongs to the connection"));
  for (const char c : value)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return Bad(key, "the value has control characters in it");
  return absl::OkStatus();
}

}  // namespace cria::provider
