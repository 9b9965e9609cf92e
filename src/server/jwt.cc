#include "server/jwt.h"

#include <algorithm>
#include <cmath>

namespace cria::server {
namespace {

namespace json = base::json;

constexpr size_t kMaxToken = size_t{32} << 10;
constexpr size_t kMaxDepth = 16;

absl::Status Refused(std::string_view reason) {
  return absl::UnauthenticatedError(absl::StrCat("the token ", std::string(reason)));
}

absl::StatusOr<json::object> DecodePart(std::string_view part) {
  CRIA_ASSIGN_OR_RETURN(const std::string text, DecodeBase64Url(part));
  auto parsed = base::ParseJson(text, "token", {.max_bytes = kMaxToken, .max_depth = kMaxDepth});
  if (!parsed.ok() || !parsed->is_object()) return Refused("isn't a JSON Web Token");
  return std::move(parsed->get_object());
}

std::string Text(const json::object& object, std::string_view key) {
  const json::value* value = base::Find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// A time claim; NaN if it isn't a number.
double Seconds(const json::value& value) {
  boost::system::error_code error;
  const double seconds = value.to_number<double>(error);
  return error ? std::nan("") : seconds;
}

bool HasAudience(const json::object& claims, const std::string& wanted) {
  const json::value* audience = base::Find(claims, "aud");
  if (audience == nullptr) return false;
  if (audience->is_string()) return audience->get_string() == wanted;
  if (!audience->is_array()) return false;
  const json::array& all = audience->get_array();
  return std::any_of(all.begin(), all.end(), [&](const json::value& one) {
    return one.is_string() && one.get_string() == wanted;
  });
}

absl::Status CheckTimes(const json::object& claims, double now, double leeway) {
  const json::value* expires = base::Find(claims, "exp");
  if (expires == nullptr) return Refused("has no end of validity (exp)");
  if (!(Seconds(*expires) + leeway > now)) return Refused("has expired");
  const json::value* not_before = base::Find(claims, "nbf");
  if (not_before != nullptr && !(Seconds(*not_before) - leeway <= now))
    return Refused("isn't valid yet");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Jwt> ParseJwt(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second =
      first == std::string_view::npos ? std::string_view::npos : token.find('.', first + 1);
  if (token.size() > kMaxToken || second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos)
    return Refused("isn't a JSON Web Token");
  CRIA_ASSIGN_OR_RETURN(const json::object header, DecodePart(token.substr(0, first)));
  if (base::Find(header, "crit") != nullptr)
    return Refused("has critical extensions, which aren't understood");
  Jwt jwt;
  jwt.algorithm = Text(header, "alg");
  jwt.key_id = Text(header, "kid");
  jwt.signed_text = token.substr(0, second);
  CRIA_ASSIGN_OR_RETURN(jwt.claims, DecodePart(token.substr(first + 1, second - first - 1)));
  CRIA_ASSIGN_OR_RETURN(jwt.signature, DecodeBase64Url(token.substr(second + 1)));
  return jwt;
}

absl::Status CheckJwt(const Jwt& token, const JwkSet& keys, const JwtRules& rules,
                      std::chrono::system_clock::time_point now) {
  CRIA_RETURN_IF_ERROR(
      keys.Verify(token.algorithm, token.key_id, token.signed_text, token.signature));
  const std::chrono::duration<double> seconds = now.time_since_epoch();
  CRIA_RETURN_IF_ERROR(
      CheckTimes(token.claims, seconds.count(), static_cast<double>(rules.leeway.count())));
  if (!rules.issuer.empty() && Text(token.claims, "iss") != rules.issuer)
    return Refused("is of another issuer");
  if (!rules.audience.empty() && !HasAudience(token.claims, rules.audience))
    return Refused("is for another audience");
  return absl::OkStatus();
}

}  // namespace cria::server
