#include "store/registry.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "store/errors.h"

namespace cria::store {
namespace {

constexpr char kSelect[] =
    "SELECT type, identifier, provider_id, provider_resource_id, metadata, created, owner "
    "FROM registry WHERE type = ?";

struct RawResource {
  Resource resource;
  std::string owner;

  static RawResource From(const Row& row) {
    return {{std::string(row.Text(0)),
             std::string(row.Text(1)),
             std::string(row.Text(2)),
             std::string(row.Text(3)),
             std::string(row.Text(4)),
             {},
             row.Int(5)},
            std::string(row.Text(6))};
  }
  absl::StatusOr<Resource> Parse() && {
    CRIA_ASSIGN_OR_RETURN(resource.owner, ParseOwner(owner));
    return std::move(resource);
  }
};

size_t BytesOf(const Resource& resource) { return sizeof resource + resource.metadata.size(); }

}  // namespace

absl::StatusOr<Resource> Registry::Register(Resource resource) {
  resource.created = clock_();
  const Resource& one = resource;
  CRIA_RETURN_IF_ERROR(writer_.Write(BytesOf(one), [&](Connection& connection) {
    return NameIfTaken(
        connection
            .Execute("INSERT INTO registry (type, identifier, created, provider_id, "
                     "provider_resource_id, owner, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)",
                     {one.type, one.identifier, one.created, one.provider_id,
                      one.provider_resource_id, OwnerText(one.owner), one.metadata})
            .status(),
        one.type, one.identifier);
  }));
  return resource;
}

absl::Status Registry::Update(const Resource& resource) {
  return writer_.Write(BytesOf(resource), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(
        const int64_t changed,
        connection.Execute("UPDATE registry SET provider_id = ?, provider_resource_id = ?, "
                           "metadata = ? WHERE type = ? AND identifier = ?",
                           {resource.provider_id, resource.provider_resource_id, resource.metadata,
                            resource.type, resource.identifier}));
    return changed == 0 ? NoSuch(resource.type, resource.identifier) : absl::OkStatus();
  });
}

absl::Status Registry::Unregister(const std::string& type, const std::string& identifier) {
  return writer_.Write(identifier.size(), [&](Connection& connection) -> absl::Status {
    CRIA_ASSIGN_OR_RETURN(
        const int64_t deleted,
        connection.Execute("DELETE FROM registry WHERE type = ? AND identifier = ?",
                           {type, identifier}));
    return deleted == 0 ? NoSuch(type, identifier) : absl::OkStatus();
  });
}

absl::StatusOr<Resource> Registry::Get(const std::string& type, const std::string& identifier) {
  std::optional<RawResource> found;
  CRIA_RETURN_IF_ERROR(reader_.Query(absl::StrCat(kSelect, " AND identifier = ?"),
                                     {type, identifier}, [&](const Row& row) {
                                       found = RawResource::From(row);
                                       return false;
                                     }));
  if (!found.has_value()) return NoSuch(type, identifier);
  return std::move(*found).Parse();
}

absl::StatusOr<std::vector<Resource>> Registry::List(const std::string& type) {
  std::vector<RawResource> raw;
  CRIA_RETURN_IF_ERROR(reader_.Query(kSelect, {type}, [&](const Row& row) {
    raw.push_back(RawResource::From(row));
    return true;
  }));
  // Here and not in SQL: databases differ in the order of texts.
  std::sort(raw.begin(), raw.end(), [](const RawResource& a, const RawResource& b) {
    return a.resource.identifier < b.resource.identifier;
  });
  std::vector<Resource> resources;
  for (RawResource& one : raw) {
    CRIA_ASSIGN_OR_RETURN(Resource resource, std::move(one).Parse());
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace cria::store
