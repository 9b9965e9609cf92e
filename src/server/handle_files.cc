#include "server/handle_files.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/quote.h"
#include "server/access.h"
#include "server/attachment.h"
#include "server/blocking.h"
#include "server/errors.h"
#include "server/list_json.h"
#include "server/multipart.h"
#include "server/request_body.h"
#include "server/worker_handler.h"

namespace cria::server {
namespace {

using base::json::object;
using boost::asio::awaitable;

constexpr int64_t kDefaultLimit = 10000;
constexpr size_t kMaxUploadBytes = size_t{256} << 20;
constexpr char kNameOfNamelessFile[] = "uploaded_file";
// Always: nothing that was uploaded runs in a browser, or is taken for JSON by a client.
constexpr char kContentType[] = "application/octet-stream";
// Larger files go out in pieces, so that a slow client doesn't hold one in memory.
constexpr size_t kMaxWholeBytes = size_t{1} << 20;
constexpr size_t kPieceBytes = size_t{256} << 10;

// A field of the form, and where it stands in what FileUpload describes.
struct FormField {
  const char* name;
  const char* field;
  bool of_expiry = false;
};
constexpr FormField kFormFields[] = {{"file", "file"},
                                     {"purpose", "purpose"},
                                     {"expires_after[anchor]", "anchor", true},
                                     {"expires_after[seconds]", "seconds", true},
                                     {"expires_after_anchor", "anchor", true},  // 0.2
                                     {"expires_after_seconds", "seconds", true}};

struct UploadForm {
  store::NewFile file;
  std::string_view content;
};

object FileJson(const store::StoredFile& file) {
  object json{{"id", file.id},
              {"object", "file"},
              {"bytes", file.bytes},
              {"created_at", file.created},
              {"expires_at", nullptr},
              {"filename", file.filename},
              {"purpose", file.purpose},
              {"status", "processed"},
              {"status_details", nullptr}};
  if (file.expires) json["expires_at"] = *file.expires;
  return json;
}

base::json::value ValueOf(const FormField& field, const FormPart& part) {
  if (field.field == std::string_view("file")) {
    const bool named = part.filename.has_value() && !part.filename->empty();
    return base::json::string(named ? *part.filename : kNameOfNamelessFile);
  }
  int64_t seconds = 0;
  if (field.field == std::string_view("seconds") &&
      absl::SimpleAtoi(absl::string_view(part.content.data(), part.content.size()), &seconds))
    return seconds;
  return base::json::string(part.content);
}

// The fields of the form as one object.
absl::StatusOr<object> FieldsOf(const std::vector<FormPart>& parts) {
  object fields, expiry;
  for (const FormPart& part : parts) {
    const auto* known = std::find_if(std::begin(kFormFields), std::end(kFormFields),
                                     [&](const FormField& one) { return part.name == one.name; });
    if (known == std::end(kFormFields)) continue;
    object& target = known->of_expiry ? expiry : fields;
    if (target.contains(known->field)) {
      ErrorDetails details;
      details.param = part.name;
      return WithDetails(absl::InvalidArgumentError(absl::StrCat(
                             base::Quote(part.name), ": expected once, found several times")),
                         details);
    }
    target[known->field] = ValueOf(*known, part);
  }
  if (!expiry.empty()) fields["expires_after"] = std::move(expiry);
  return fields;
}

absl::StatusOr<UploadForm> ReadForm(const Services& services, const Request& request) {
  const std::string* content_type = request.Header("content-type");
  CRIA_ASSIGN_OR_RETURN(const std::vector<FormPart> parts,
                        ParseMultipart(content_type != nullptr ? *content_type : "", request.body));
  CRIA_ASSIGN_OR_RETURN(const object fields, FieldsOf(parts));
  CRIA_RETURN_IF_ERROR(CheckAgainst(services.schemas, "FileUpload", fields, {"body"}));
  UploadForm form;
  form.content = std::find_if(parts.begin(), parts.end(), [](const FormPart& part) {
                   return part.name == "file";
                 })->content;
  form.file.filename = fields.at("file").get_string();
  form.file.purpose = fields.at("purpose").get_string();
  if (const object* expiry = base::FindObject(fields, "expires_after")) {
    CRIA_ASSIGN_OR_RETURN(form.file.expires_after_s, base::GetInt(*expiry, "seconds"));
  }
  form.file.owner = CallerAsOwner(request);
  return form;
}

absl::StatusOr<Reply> Upload(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const UploadForm form, ReadForm(services, request));
  CRIA_ASSIGN_OR_RETURN(const store::StoredFile stored,
                        services.store.files().Create(form.file, form.content));
  return JsonReply(FileJson(stored));
}

absl::StatusOr<Reply> List(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const object query, ReadQuery(request, services.schemas, "FileListQuery"));
  store::FileListOptions options;
  static_cast<store::ListOptions&>(options) =
      ListOptionsFrom(request, query, kDefaultLimit, store::Order::kDescending);
  CRIA_ASSIGN_OR_RETURN(options.purpose, base::GetString(query, "purpose"));
  CRIA_ASSIGN_OR_RETURN(const auto page, services.store.files().List(options));
  std::vector<std::string> items, ids;
  for (const store::StoredFile& file : page.items) {
    items.push_back(base::json::serialize(FileJson(file)));
    ids.push_back(file.id);
  }
  return ListReply(items, ids, page.has_more);
}

// The file that the path names, if the caller may see it.
absl::StatusOr<store::StoredFile> Find(const Services& services, const Request& request) {
  const std::string& id = request.path_params.at("file_id");
  CRIA_ASSIGN_OR_RETURN(store::StoredFile found, services.store.files().Get(id));
  if (!MaySee(CallerAsOwner(request), found.owner))
    return absl::NotFoundError(absl::StrCat("no such file ", base::Quote(id)));
  return found;
}

absl::StatusOr<Reply> Get(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::StoredFile found, Find(services, request));
  return JsonReply(FileJson(found));
}

absl::StatusOr<Reply> Delete(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::StoredFile found, Find(services, request));
  CRIA_RETURN_IF_ERROR(services.store.files().Delete(found.id));
  return JsonReply(object{{"id", found.id}, {"object", "file"}, {"deleted", true}});
}

std::string_view BytesOf(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// A file's bytes, and what is told of them; deleting the file doesn't take them away.
struct Content {
  Reply reply;                                     // of a small file: with its bytes
  std::shared_ptr<const base::MappedFile> pieces;  // of a large one
};

absl::StatusOr<Content> OpenContent(const Services& services, const Request& request) {
  CRIA_ASSIGN_OR_RETURN(const store::StoredFile found, Find(services, request));
  CRIA_ASSIGN_OR_RETURN(const store::FileContent place, services.store.files().Locate(found.id));
  CRIA_ASSIGN_OR_RETURN(std::shared_ptr<const base::MappedFile> file,
                        base::MappedFile::Open(place.path));
  Content content;
  content.reply.content_type = kContentType;
  content.reply.headers = {{"Content-Disposition", AttachmentDisposition(found.filename)},
                           {"X-Content-Type-Options", "nosniff"}};
  if (file->bytes().size() <= kMaxWholeBytes) {
    content.reply.body = BytesOf(*file);
  } else {
    content.pieces = std::move(file);
  }
  return content;
}

// On a worker, since it may read from the disk.
awaitable<std::string> PieceAt(const Services& services,
                               std::shared_ptr<const base::MappedFile> file, size_t offset) {
  auto copy = [file, offset] { return std::string(BytesOf(*file).substr(offset, kPieceBytes)); };
  co_return co_await OnWorker(services.workers, std::move(copy));
}

awaitable<void> SendContent(const Services& services, Exchange& exchange) {
  auto open = [&services, &request = exchange.request()] { return OpenContent(services, request); };
  absl::StatusOr<Content> content = co_await OnWorker(services.workers, std::move(open));
  if (!content.ok()) {
    co_await SendError(exchange, content.status());
    co_return;
  }
  if (content->pieces == nullptr) {
    co_await exchange.Send(std::move(content->reply));
    co_return;
  }
  co_await exchange.StartStream(kContentType, /*keep_alive_comments=*/false);
  for (size_t at = 0; at < content->pieces->bytes().size(); at += kPieceBytes) {
    std::string piece = co_await PieceAt(services, content->pieces, at);
    if (!(co_await exchange.Write(std::move(piece))).ok()) co_return;
  }
  co_await exchange.FinishStream();
}

}  // namespace

void AddFileRoutes(const Services& services, const std::string& prefix, bool deprecated,
                   Router* router) {
  constexpr char kTag[] = "Files", kGeneration[] = "v1";
  const std::string all = prefix + "/files", one = all + "/{file_id}";
  router->Add(
      {"POST",
       all,
       OnWorkers(services, Upload),
       {"uploadFile", "Upload a file", kTag, kGeneration, deprecated, "FileUpload", "FileObject"},
       kMaxUploadBytes});
  router->Add({"GET",
               one + "/content",
               [&services](Exchange& exchange) { return SendContent(services, exchange); },
               {"getFileContent", "The bytes of a file", kTag, kGeneration, deprecated, "", ""},
               {}});
  const WorkerRoute routes[] = {
      {"GET", all, List, "listFiles", "The files that were uploaded", "FileListQuery", "FileList"},
      {"GET", one, Get, "getFile", "What is known of a file", "", "FileObject"},
      {"DELETE", one, Delete, "deleteFile", "Delete a file", "", "FileDeleted"}};
  for (const WorkerRoute& route : routes)
    AddWorkerRoute(services, route, kTag, kGeneration, deprecated, router);
}

}  // namespace cria::server
