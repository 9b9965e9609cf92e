#include "stack/yaml_document.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/quote.h"

namespace cria::stack {
namespace {

// What is wrong with a document; leaves the parser through its handler.
struct Refused {
  int line;
  std::string message;
};

constexpr char kCoreTag[] = "tag:yaml.org,2002:";

// Builds the tree from the parser's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (AtKey()) throw Refused{mark.line + 1, "expected a key, found nothing"};
    Finish(NewNode(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{mark.line + 1, "an alias stands within its anchor"};
    if (AtKey()) throw Refused{mark.line + 1, "expected a key, found an alias"};
    const int line = NewNode(mark, YamlNode::Kind::kNull).line;
    YamlNode node = found->second;
    Relocate(line, Path(), &node);
    Finish(std::move(node), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (AtKey()) return TakeKey(mark, tag, value);
    YamlNode node = NewNode(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!" || tag == absl::StrCat(kCoreTag, "str");
    CheckTag(mark, tag);
    Finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override {
    MergeInto(&open_.back().node);
    Close();
  }

  YamlNode Root() { return std::move(root_); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // the next value belongs to `key`
    std::string key;
    int key_line = 0;
  };

  bool AtKey() const {
    return !open_.empty() && open_.back().node.is_map() && !open_.back().has_key;
  }

  std::string Path() const {
    if (open_.empty()) return "";
    const Frame& frame = open_.back();
    if (frame.node.is_sequence())
      return absl::StrCat(frame.node.path, "[", frame.node.items.size(), "]");
    return frame.node.path.empty() ? frame.key : absl::StrCat(frame.node.path, ".", frame.key);
  }

  void Count(int line) {
    if (++nodes_ > kMaxYamlNodes)
      throw Refused{line, absl::StrCat("more than ", kMaxYamlNodes, " values, aliases resolved")};
  }

  YamlNode NewNode(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    if (!open_.empty() && open_.back().has_key) node.line = open_.back().key_line;
    node.path = Path();
    Count(node.line);
    return node;
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) const {
    for (const char* known : {"", "?", "!"})
      if (tag == known) return;
    for (const char* known : {"str", "int", "float", "bool", "map", "seq"})
      if (tag == absl::StrCat(kCoreTag, known)) return;
    throw Refused{mark.line + 1, absl::StrCat("expected no tag, found ", base::Quote(tag))};
  }

  void TakeKey(const YAML::Mark& mark, const std::string& tag, const std::string& key) {
    CheckTag(mark, tag);
    const int line = mark.line + 1;
    Count(line);
    if (key.size() > kMaxYamlKeyBytes)
      throw Refused{line, absl::StrCat("expected keys of at most ", kMaxYamlKeyBytes,
                                       " bytes, found ", base::Quote(key))};
    Frame& frame = open_.back();
    if (const YamlNode* first = frame.node.Find(key); first != nullptr)
      throw Refused{
          line, absl::StrCat("key ", base::Quote(key), " stands already in line ", first->line)};
    frame.key = key;
    frame.key_line = line;
    frame.has_key = true;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckTag(mark, tag);
    if (AtKey()) throw Refused{mark.line + 1, "expected a plain key, found a list or a map"};
    if (open_.size() >= kMaxYamlDepth)
      throw Refused{mark.line + 1, absl::StrCat("nested deeper than ", kMaxYamlDepth, " levels")};
    Frame frame;
    frame.node = NewNode(mark, kind);
    frame.anchor = anchor;
    open_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    Finish(std::move(frame.node), frame.anchor);
  }

  void Finish(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.is_map()) frame.node.keys.push_back(std::move(frame.key));
    frame.has_key = false;
    frame.node.items.push_back(std::move(node));
  }

  // A copy of an anchor's value in its new place.
  void Relocate(int line, const std::string& path, YamlNode* node) {
    node->line = line;
    node->path = path;
    for (size_t i = 0; i < node->items.size(); ++i) {
      Count(line);
      Relocate(line,
               node->is_map() ? absl::StrCat(path, path.empty() ? "" : ".", node->keys[i])
                              : absl::StrCat(path, "[", i, "]"),
               &node->items[i]);
    }
    if (open_.size() + Depth(*node) > kMaxYamlDepth)
      throw Refused{line, absl::StrCat("nested deeper than ", kMaxYamlDepth, " levels")};
  }

  static size_t Depth(const YamlNode& node) {
    size_t most = 0;
    for (const YamlNode& item : node.items) most = std::max(most, Depth(item));
    return most + 1;
  }

  // "<<: *base": what the map doesn't say itself.
  void MergeInto(YamlNode* map) {
    if (map->Find("<<") == nullptr) return;
    YamlNode merged = map->Take("<<");
    std::vector<YamlNode> sources;
    if (merged.is_sequence())
      sources = std::move(merged.items);
    else
      sources.push_back(std::move(merged));
    for (YamlNode& source : sources) {
      if (!source.is_map())
        throw Refused{source.line, "key '<<': expected a map, found " + Describe(source)};
      for (size_t i = 0; i < source.keys.size(); ++i) {
        if (map->Find(source.keys[i]) != nullptr) continue;
        YamlNode item = std::move(source.items[i]);
        Relocate(item.line, absl::StrCat(map->path, map->path.empty() ? "" : ".", source.keys[i]),
                 &item);
        map->Set(source.keys[i], std::move(item));
      }
    }
  }

  std::vector<Frame> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  size_t nodes_ = 0;
  YamlNode root_;
};

bool LooksLikeNumber(std::string_view text) {
  if (text.empty()) return false;
  const bool sign = text[0] == '-' || text[0] == '+';
  if (text.size() <= sign || text[sign] > '9') return false;  // no "inf", "nan"
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+';
  });
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<size_t>(found - keys.begin())];
}

YamlNode* YamlNode::Find(std::string_view key) {
  return const_cast<YamlNode*>(std::as_const(*this).Find(key));
}

YamlNode& YamlNode::Set(const std::string& key, YamlNode value) {
  if (YamlNode* present = Find(key); present != nullptr) return *present = std::move(value);
  keys.push_back(key);
  items.push_back(std::move(value));
  return items.back();
}

YamlNode YamlNode::Take(std::string_view key) {
  const auto found = std::find(keys.begin(), keys.end(), key);
  if (found == keys.end()) return {};
  const auto item = items.begin() + (found - keys.begin());
  YamlNode taken = std::move(*item);
  keys.erase(found);
  items.erase(item);
  return taken;
}

YamlNode MakeScalar(const YamlNode& place, std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.line = place.line;
  node.path = place.path;
  node.text = std::move(text);
  return node;
}

YamlNode MakeMap(const YamlNode& place) {
  YamlNode node = MakeScalar(place, "");
  node.kind = YamlNode::Kind::kMap;
  return node;
}

YamlNode MakeSequence(const YamlNode& place) {
  YamlNode node = MakeScalar(place, "");
  node.kind = YamlNode::Kind::kSequence;
  return node;
}

absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxYamlBytes)
    return absl::DataLossError(absl::StrCat(file, ": expected at most ", kMaxYamlBytes,
                                            " bytes of YAML, found ", text.size()));
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder))
      return absl::DataLossError(absl::StrCat(file, ":1: expected YAML, found nothing"));
    TreeBuilder second;
    if (parser.HandleNextDocument(second))
      return absl::DataLossError(absl::StrCat(file, ": expected one YAML document, found more"));
    return builder.Root();
  } catch (const Refused& refused) {
    return absl::DataLossError(absl::StrCat(file, ":", refused.line, ": ", refused.message));
  } catch (const YAML::Exception& error) {
    return absl::DataLossError(
        absl::StrCat(file, ":", error.mark.line + 1, ": not valid YAML: ", base::Quote(error.msg)));
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat(file, ": not valid YAML: ", base::Quote(error.what())));
  }
}

base::json::value ToJson(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kSequence: {
      base::json::array array;
      for (const YamlNode& item : node.items) array.push_back(ToJson(item));
      return array;
    }
    case YamlNode::Kind::kMap: {
      base::json::object object;
      for (size_t i = 0; i < node.items.size(); ++i) object[node.keys[i]] = ToJson(node.items[i]);
      return object;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node.quoted) return base::json::value(node.text);
  if (node.text == "true" || node.text == "True" || node.text == "TRUE") return true;
  if (node.text == "false" || node.text == "False" || node.text == "FALSE") return false;
  int64_t whole = 0;
  double number = 0;
  if (LooksLikeNumber(node.text)) {
    if (absl::SimpleAtoi(node.text, &whole)) return whole;
    if (absl::SimpleAtod(node.text, &number) && std::isfinite(number)) return number;
  }
  return base::json::value(node.text);
}

std::string Describe(const YamlNode& node) {
  if (node.is_scalar()) return base::Quote(node.text);
  return node.is_map() ? "a map" : node.is_sequence() ? "a list" : "nothing";
}

bool IsYamlNull(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

}  // namespace cria::stack
