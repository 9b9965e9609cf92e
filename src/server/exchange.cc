#include "server/exchange.h"

namespace cria::server {
namespace {

const std::string* First(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace

const std::string* Request::Header(std::string_view name) const { return First(headers, name); }

const std::string* Request::Query(std::string_view name) const { return First(query, name); }

}  // namespace cria::server
