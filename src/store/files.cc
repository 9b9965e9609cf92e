#include "store/files.h"

#include <limits>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/quote.h"
#include "store/errors.h"
#include "store/ids.h"

namespace cria::store {
namespace {

constexpr char kFile[] = "file";
constexpr char kColumns[] = "id, created, expires, purpose, bytes, filename";

StoredFile FromRow(const Row& row, int first, Owner owner) {
  StoredFile file;
  file.id = row.Text(first);
  file.created = row.Int(first + 1);
  if (!row.IsNull(first + 2)) file.expires = row.Int(first + 2);
  file.purpose = row.Text(first + 3);
  file.bytes = row.Int(first + 4);
  file.filename = row.Text(first + 5);
  file.owner = std::move(owner);
  return file;
}

absl::Status Insert(Connection& connection, const StoredFile& file) {
  return connection
      .Execute(
          "INSERT INTO files (id, created, expires, purpose, bytes, owner, filename) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          {file.id, file.created, OrNull(file.expires), file.purpose, file.bytes,
           OwnerText(file.owner), file.filename})
      .status();
}

}  // namespace

absl::StatusOr<StoredFile> Files::Create(const NewFile& file, std::string_view content) {
  StoredFile stored;
  stored.id = NewFileId();
  stored.created = clock_();
  stored.purpose = file.purpose;
  stored.bytes = static_cast<int64_t>(content.size());
  stored.filename = file.filename;
  stored.owner = file.owner;
  if (file.expires_after_s.has_value()) {
    const int64_t most = std::numeric_limits<int64_t>::max() - stored.created;
    if (*file.expires_after_s < 1 || *file.expires_after_s > most)
      return absl::InvalidArgumentError(
          absl::StrCat("expires_after: expected at least 1 second, got ", *file.expires_after_s));
    stored.expires = stored.created + *file.expires_after_s;
  }
  CRIA_RETURN_IF_ERROR(directory_.Write(stored.id, content));
  const absl::Status status =
      writer_.Write(sizeof stored + stored.filename.size(),
                    [&](Connection& connection) { return Insert(connection, stored); });
  if (status.ok()) return stored;
  // While it isn't known whether the row is there, the bytes stay; the next start will know.
  if (!MayBeCommitted(status)) (void)directory_.Remove(stored.id);
  return status;
}

absl::StatusOr<StoredFile> Files::Get(const std::string& id) {
  std::optional<StoredFile> found;
  std::string owner;
  CRIA_RETURN_IF_ERROR(
      reader_.Query(absl::StrCat("SELECT owner, ", kColumns,
                                 " FROM files WHERE id = ? AND (expires IS NULL OR expires > ?)"),
                    {id, clock_()}, [&](const Row& row) {
                      owner = row.Text(0);
                      found = FromRow(row, 1, {});
                      return false;
                    }));
  if (!found.has_value()) return NoSuch(kFile, id);
  CRIA_ASSIGN_OR_RETURN(found->owner, ParseOwner(owner));
  return *std::move(found);
}

absl::StatusOr<FileContent> Files::Locate(const std::string& id) {
  CRIA_ASSIGN_OR_RETURN(const StoredFile file, Get(id));
  FileContent content{directory_.PathOf(file.id), file.bytes};
  if (!base::FileExists(content.path))
    return absl::DataLossError(absl::StrCat(content.path, ": the bytes of file ", base::Quote(id),
                                            " are missing; restore the directory, or delete it"));
  return content;
}

absl::StatusOr<Page<StoredFile>> Files::List(const FileListOptions& options) {
  Listing listing{kFile, "files", "created", "owner", kColumns, {}};
  listing.where.emplace_back("(expires IS NULL OR expires > ?)", clock_());
  if (options.purpose.has_value()) listing.where.emplace_back("purpose = ?", *options.purpose);
  Page<StoredFile> page;
  CRIA_ASSIGN_OR_RETURN(
      page.has_more,
      ReadPage(reader_, listing, options, [&](const Row& row, int first, Owner owner) {
        page.items.push_back(FromRow(row, first, std::move(owner)));
        return sizeof(StoredFile) + page.items.back().filename.size();
      }));
  return page;
}

absl::Status Files::Delete(const std::string& id) {
  const int64_t now = clock_();
  CRIA_RETURN_IF_ERROR(writer_.Write(id.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(
        const int64_t deleted,
        connection.Execute("DELETE FROM files WHERE id = ? AND (expires IS NULL OR expires > ?)",
                           {id, now}));
    return deleted == 0 ? NoSuch(kFile, id) : absl::OkStatus();
  }));
  return directory_.Remove(id);
}

absl::StatusOr<int64_t> Files::RemoveExpired() {
  const int64_t now = clock_();
  std::vector<std::string> ids;
  CRIA_RETURN_IF_ERROR(writer_.Write(sizeof now, [&](Connection& connection) {
    ids.clear();
    return connection.Query("DELETE FROM files WHERE expires <= ? RETURNING id", {now},
                            [&](const Row& row) {
                              ids.emplace_back(row.Text(0));
                              return true;
                            });
  }));
  for (const std::string& id : ids) CRIA_RETURN_IF_ERROR(directory_.Remove(id));
  return static_cast<int64_t>(ids.size());
}

absl::StatusOr<int64_t> Files::RemoveOrphans() {
  CRIA_ASSIGN_OR_RETURN(const std::vector<std::string> ids, directory_.IdsIfAlone());
  int64_t removed = 0;
  for (const std::string& id : ids) {
    bool known = false;
    CRIA_RETURN_IF_ERROR(reader_.Query("SELECT 1 FROM files WHERE id = ?", {id}, [&](const Row&) {
      known = true;
      return false;
    }));
    if (known) continue;
    CRIA_RETURN_IF_ERROR(directory_.Remove(id));
    ++removed;
  }
  return removed;
}

}  // namespace cria::store
