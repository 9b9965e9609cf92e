#include "server/router.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "base/check.h"
#include "server/target.h"

namespace cria::server {
namespace {

constexpr std::string_view kPathSuffix = ":path";

// The segments of a path, without the empty one that a slash at the end makes.
std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  while (true) {
    const size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

bool IsParameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

struct Router::Node {
  struct Entry {
    const Route* route;
    std::vector<std::string> names;  // of its parameters, in order
  };

  Node& Literal(std::string_view segment) {
    const auto at = Lower(segment);
    if (at != literals.end() && at->first == segment) return *at->second;
    return *literals.emplace(at, std::string(segment), std::make_unique<Node>())->second;
  }
  const Node* FindLiteral(std::string_view segment) const {
    const auto at = const_cast<Node*>(this)->Lower(segment);
    return at != literals.end() && at->first == segment ? at->second.get() : nullptr;
  }

  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted
  std::unique_ptr<Node> one;   // a parameter of one segment
  std::unique_ptr<Node> many;  // a parameter of one or more
  std::vector<Entry> entries;  // by method

 private:
  std::vector<std::pair<std::string, std::unique_ptr<Node>>>::iterator Lower(
      std::string_view segment) {
    return std::lower_bound(
        literals.begin(), literals.end(), segment,
        [](const auto& literal, std::string_view wanted) { return literal.first < wanted; });
  }
};

// One look-up: depth first, literal before parameter.
struct Router::Search {
  bool Visit(const Node& node, size_t index) {
    if (index == segments.size()) return Take(node);
    const Node* literal = node.FindLiteral(segments[index]);
    if (literal != nullptr && Visit(*literal, index + 1)) return true;
    if (segments[index].empty()) return false;
    if (node.one != nullptr && Capture(*node.one, index, index + 1)) return true;
    if (node.many == nullptr) return false;
    for (size_t end = segments.size() - 1; end > index && !node.many->literals.empty(); --end)
      if (Capture(*node.many, index, end)) return true;
    return Capture(*node.many, index, segments.size());
  }

  bool Capture(const Node& node, size_t begin, size_t end) {
    captured.push_back(absl::StrJoin(segments.begin() + static_cast<ptrdiff_t>(begin),
                                     segments.begin() + static_cast<ptrdiff_t>(end), "/",
                                     [](std::string* out, std::string_view segment) {
                                       out->append(segment.data(), segment.size());
                                     }));
    if (Visit(node, end)) return true;
    captured.pop_back();
    return false;
  }

  bool Take(const Node& node) {
    for (const Node::Entry& entry : node.entries) {
      if (entry.route->method == method) {
        found = &entry;
        return true;
      }
      if (method == "HEAD" && entry.route->method == "GET") found = &entry;
      allowed.push_back(entry.route->method);
    }
    return found != nullptr;
  }

  std::string_view method;
  std::vector<std::string> segments;  // decoded
  std::vector<std::string> captured;
  std::vector<std::string> allowed;
  const Node::Entry* found = nullptr;
};

Router::Router() : root_(std::make_unique<Node>()) {}

Router::~Router() = default;

void Router::Add(Route route) {
  CRIA_CHECK(route.pattern.starts_with('/') && route.handler != nullptr);
  routes_.push_back(std::move(route));
  const Route& added = routes_.back();
  Node* node = root_.get();
  std::vector<std::string> names;
  bool has_path = false;
  for (std::string_view segment : Segments(added.pattern)) {
    if (!IsParameter(segment)) {
      CRIA_CHECK(segment.find_first_of("{}") == std::string_view::npos);
      node = &node->Literal(segment);
      continue;
    }
    segment = segment.substr(1, segment.size() - 2);
    const bool is_path = segment.ends_with(kPathSuffix);
    if (is_path) segment.remove_suffix(kPathSuffix.size());
    CRIA_CHECK(!(is_path && has_path) && "two path parameters in one pattern");
    has_path = has_path || is_path;
    names.emplace_back(segment);
    std::unique_ptr<Node>& child = is_path ? node->many : node->one;
    if (child == nullptr) child = std::make_unique<Node>();
    node = child.get();
  }
  for (const Node::Entry& entry : node->entries)
    CRIA_CHECK(entry.route->method != added.method && "two routes for one method and shape");
  node->entries.push_back({&added, std::move(names)});
}

Router::Match Router::Find(std::string_view method, std::string_view raw_path) const {
  Search search;
  search.method = method;
  for (const std::string_view segment : Segments(raw_path)) {
    absl::StatusOr<std::string> decoded = PercentDecode(segment, false);
    if (!decoded.ok()) return {};
    search.segments.push_back(*std::move(decoded));
  }
  Match match;
  if (search.Visit(*root_, 0)) {
    match.route = search.found->route;
    for (size_t i = 0; i < search.captured.size(); ++i)
      match.params.emplace(search.found->names[i], std::move(search.captured[i]));
    return match;
  }
  match.allowed = std::move(search.allowed);
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  return match;
}

}  // namespace cria::server
