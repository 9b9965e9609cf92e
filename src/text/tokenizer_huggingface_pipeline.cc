#include "text/tokenizer_huggingface_pipeline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/quote.h"
#include "text/sentencepiece.h"

namespace cria::text {
namespace {

namespace json = base::json;

constexpr size_t kMaxComponents = 32;

// Names of parts are shown as they are, what else a file says in quotes.
std::string Shown(std::string_view what) {
  const bool plain = std::all_of(what.begin(), what.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == ' ' || c == '_' || c == ',';
  });
  return plain && what.size() <= 100 ? std::string(what) : base::Quote(what);
}

absl::Status Unsupported(std::string_view component, std::string_view what) {
  return absl::UnimplementedError(absl::StrCat("tokenizer.json: ", std::string(component), " ",
                                               Shown(what), " is not supported"));
}

absl::Status Malformed(std::string_view component, std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("tokenizer.json: ", std::string(component), ": ", std::string(what)));
}

absl::StatusOr<bool> Flag(const json::object& fields, std::string_view key, bool otherwise) {
  CRIA_ASSIGN_OR_RETURN(const std::optional<bool> flag, base::GetBool(fields, key));
  return flag.value_or(otherwise);
}

absl::StatusOr<std::string> Text(const json::object& fields, std::string_view key,
                                 std::string_view otherwise) {
  CRIA_ASSIGN_OR_RETURN(std::optional<std::string> text, base::GetString(fields, key));
  return std::move(text).value_or(std::string(otherwise));
}

struct Component {
  std::string type;
  const json::object* fields;
};

// The components under `key`: none for null, the members of a Sequence, or the one itself.
absl::StatusOr<std::vector<Component>> ReadComponents(const json::object& tokenizer,
                                                      std::string_view key,
                                                      std::string_view members) {
  std::vector<Component> components;
  const json::value* root = base::Find(tokenizer, key);
  if (root == nullptr) return components;
  std::vector<const json::value*> pending = {root};
  while (!pending.empty()) {
    const json::value* value = pending.back();
    pending.pop_back();
    if (!value->is_object()) return Malformed(key, "expected an object");
    const json::object& fields = value->as_object();
    CRIA_ASSIGN_OR_RETURN(const std::string type, Text(fields, "type", ""));
    if (type.empty()) return Malformed(key, "a component without 'type'");
    if (type != "Sequence") {
      components.push_back({type, &fields});
    } else {
      const json::array* parts = base::FindArray(fields, members);
      if (parts == nullptr) return Malformed(key, "a Sequence without its parts");
      for (auto part = parts->rbegin(); part != parts->rend(); ++part) pending.push_back(&*part);
    }
    if (components.size() + pending.size() > kMaxComponents)
      return Unsupported(key, "of more than 32 components");
  }
  return components;
}

// {"String": "..."} or {"Regex": "..."}, as a regular expression.
absl::StatusOr<std::string> Pattern(const json::object& fields) {
  const json::object* pattern = base::FindObject(fields, "pattern");
  if (pattern == nullptr) return Malformed("Split", "no pattern");
  CRIA_ASSIGN_OR_RETURN(std::optional<std::string> regex, base::GetString(*pattern, "Regex"));
  if (regex.has_value()) return *std::move(regex);
  CRIA_ASSIGN_OR_RETURN(const std::optional<std::string> text, base::GetString(*pattern, "String"));
  if (!text.has_value()) return Malformed("Split", "a pattern that is neither Regex nor String");
  std::string quoted;
  for (const char c : *text) {
    const bool plain =
        static_cast<unsigned char>(c) >= 0x80 || absl::ascii_isalnum(static_cast<unsigned char>(c));
    if (!plain) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

absl::Status ReadSplit(const json::object& fields, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const std::string behavior, Text(fields, "behavior", ""));
  if (behavior != "Isolated") return Unsupported("pre_tokenizer Split with behavior", behavior);
  CRIA_ASSIGN_OR_RETURN(std::string pattern, Pattern(fields));
  pipeline->patterns.push_back(std::move(pattern));
  return absl::OkStatus();
}

absl::Status ReadByteLevel(const json::object& fields, bool first, HuggingFacePipeline* pipeline) {
  pipeline->byte_level = true;
  CRIA_ASSIGN_OR_RETURN(const bool use_regex, Flag(fields, "use_regex", true));
  if (use_regex) pipeline->patterns.emplace_back(kGpt2Pattern);
  CRIA_ASSIGN_OR_RETURN(const bool prefix, Flag(fields, "add_prefix_space", true));
  if (prefix && !first)
    return Unsupported("pre_tokenizer ByteLevel", "with add_prefix_space after other parts");
  if (prefix) pipeline->space_prefix = SpacePrefix::kUnlessSpace;
  return absl::OkStatus();
}

// "always", "first" or "never"; older files have add_prefix_space.
absl::StatusOr<SpacePrefix> ReadPrependScheme(const json::object& fields) {
  CRIA_ASSIGN_OR_RETURN(const bool prefix, Flag(fields, "add_prefix_space", true));
  CRIA_ASSIGN_OR_RETURN(const std::string scheme,
                        Text(fields, "prepend_scheme", prefix ? "always" : "never"));
  if (scheme == "always") return SpacePrefix::kUnlessSpace;
  if (scheme == "first") return SpacePrefix::kFirstUnlessSpace;
  if (scheme == "never") return SpacePrefix::kNever;
  return Unsupported("Metaspace with prepend_scheme", scheme);
}

absl::Status ReadMetaspace(const json::object& fields, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const std::string replacement, Text(fields, "replacement", kMetaSpace));
  if (replacement != kMetaSpace) return Unsupported("Metaspace with replacement", replacement);
  CRIA_ASSIGN_OR_RETURN(pipeline->space_prefix, ReadPrependScheme(fields));
  CRIA_ASSIGN_OR_RETURN(pipeline->splits_at_spaces, Flag(fields, "split", true));
  return absl::OkStatus();
}

absl::Status ReadPreTokenizers(const json::object& tokenizer, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const auto components,
                        ReadComponents(tokenizer, "pre_tokenizer", "pretokenizers"));
  bool metaspace = false;
  for (size_t i = 0; i < components.size(); ++i) {
    const auto& [type, fields] = components[i];
    if (pipeline->byte_level || metaspace)
      return Unsupported("pre_tokenizer", type + " after ByteLevel or Metaspace");
    if (type == "Split") {
      CRIA_RETURN_IF_ERROR(ReadSplit(*fields, pipeline));
    } else if (type == "Digits") {
      CRIA_ASSIGN_OR_RETURN(const bool individual, Flag(*fields, "individual_digits", false));
      pipeline->patterns.push_back(std::string(kDigitPattern) + (individual ? "" : "+"));
    } else if (type == "ByteLevel") {
      CRIA_RETURN_IF_ERROR(ReadByteLevel(*fields, i == 0, pipeline));
    } else if (type == "Metaspace") {
      metaspace = true;
      CRIA_RETURN_IF_ERROR(ReadMetaspace(*fields, pipeline));
    } else {
      return Unsupported("pre_tokenizer", type);
    }
  }
  if (!pipeline->byte_level && !pipeline->patterns.empty()) {
    return Unsupported("pre_tokenizer", "Split or Digits without ByteLevel");
  }
  if (!pipeline->byte_level && !metaspace && !pipeline->normalizes) {
    return Unsupported("pre_tokenizer", "without ByteLevel, Metaspace or a normalizer for spaces");
  }
  return absl::OkStatus();
}

// Prepend U+2581 and Replace " " by U+2581: Llama 2's way.
absl::Status ReadNormalizers(const json::object& tokenizer, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const auto components,
                        ReadComponents(tokenizer, "normalizer", "normalizers"));
  for (const auto& [type, fields] : components) {
    if (type == "Prepend") {
      CRIA_ASSIGN_OR_RETURN(const std::string text, Text(*fields, "prepend", ""));
      if (text != kMetaSpace) return Unsupported("normalizer Prepend of", text);
      pipeline->space_prefix = SpacePrefix::kAlways;
    } else if (type == "Replace") {
      CRIA_ASSIGN_OR_RETURN(const std::string pattern, Pattern(*fields));
      CRIA_ASSIGN_OR_RETURN(const std::string content, Text(*fields, "content", ""));
      if (pattern != "\\ " || content != kMetaSpace)
        return Unsupported("normalizer Replace by", content);
      pipeline->normalizes = true;
    } else {
      return Unsupported("normalizer", type);
    }
  }
  if (!components.empty() && !pipeline->normalizes)
    return Unsupported("normalizer", "Prepend without Replace");
  return absl::OkStatus();
}

absl::Status ReadStrip(const json::object& fields, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const std::string content, Text(fields, "content", ""));
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> start, base::GetInt(fields, "start"));
  CRIA_ASSIGN_OR_RETURN(const std::optional<int64_t> stop, base::GetInt(fields, "stop"));
  if (content != " " || start.value_or(0) > 1 || stop.value_or(0) != 0) {
    return Unsupported("decoder Strip", "of other than one leading space");
  }
  pipeline->drops_leading_space = start.value_or(0) == 1;
  return absl::OkStatus();
}

absl::Status ReadDecoders(const json::object& tokenizer, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const auto components, ReadComponents(tokenizer, "decoder", "decoders"));
  for (const auto& [type, fields] : components) {
    if (type == "Strip") {
      CRIA_RETURN_IF_ERROR(ReadStrip(*fields, pipeline));
    } else if (type == "Metaspace") {
      CRIA_ASSIGN_OR_RETURN(const SpacePrefix prefix, ReadPrependScheme(*fields));
      pipeline->drops_leading_space = prefix != SpacePrefix::kNever;
    } else if (type == "Replace") {
      CRIA_ASSIGN_OR_RETURN(const std::string pattern, Pattern(*fields));
      CRIA_ASSIGN_OR_RETURN(const std::string content, Text(*fields, "content", ""));
      if (pattern != kMetaSpace || content != " ")
        return Unsupported("decoder Replace of", pattern);
    } else if (type != "ByteLevel" && type != "ByteFallback" && type != "Fuse") {
      return Unsupported("decoder", type);
    }
  }
  return absl::OkStatus();
}

// A template for one text: perhaps one special token, then the text.
absl::Status ReadTemplate(const json::object& fields, HuggingFacePipeline* pipeline) {
  const json::array* single = base::FindArray(fields, "single");
  if (single == nullptr) return Malformed("post_processor", "TemplateProcessing without 'single'");
  bool after_text = false;
  for (const json::value& item : *single) {
    if (!item.is_object()) return Malformed("post_processor", "a template item that is no object");
    if (base::FindObject(item.as_object(), "Sequence") != nullptr) {
      after_text = true;
      continue;
    }
    const json::object* token = base::FindObject(item.as_object(), "SpecialToken");
    if (token == nullptr)
      return Malformed("post_processor", "a template item that is neither text nor special token");
    CRIA_ASSIGN_OR_RETURN(const std::string name, Text(*token, "id", ""));
    if (after_text) return Unsupported("post_processor that puts a token after the text:", name);
    if (pipeline->bos.has_value())
      return Unsupported("post_processor with a second token before the text:", name);
    pipeline->bos = name;
  }
  return absl::OkStatus();
}

absl::Status ReadPostProcessors(const json::object& tokenizer, HuggingFacePipeline* pipeline) {
  CRIA_ASSIGN_OR_RETURN(const auto components,
                        ReadComponents(tokenizer, "post_processor", "processors"));
  for (const auto& [type, fields] : components) {
    if (type == "TemplateProcessing") {
      CRIA_RETURN_IF_ERROR(ReadTemplate(*fields, pipeline));
    } else if (type != "ByteLevel") {  // which only moves offsets
      return Unsupported("post_processor", type);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HuggingFacePipeline> ReadHuggingFacePipeline(const json::object& tokenizer) {
  HuggingFacePipeline pipeline;
  CRIA_RETURN_IF_ERROR(ReadNormalizers(tokenizer, &pipeline));
  CRIA_RETURN_IF_ERROR(ReadPreTokenizers(tokenizer, &pipeline));
  if (pipeline.byte_level && pipeline.normalizes)
    return Unsupported("normalizer", "with a byte-level tokenizer");
  CRIA_RETURN_IF_ERROR(ReadDecoders(tokenizer, &pipeline));
  CRIA_RETURN_IF_ERROR(ReadPostProcessors(tokenizer, &pipeline));
  return pipeline;
}

}  // namespace cria::text
