#include "stack/yaml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace cria::stack {
namespace {

using ::testing::HasSubstr;

YamlNode Parse(const std::string& text) {
  auto node = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(node.ok()) << node.status();
  return node.ok() ? *std::move(node) : YamlNode();
}

std::string Failure(const std::string& text) {
  const auto node = ParseYaml(text, "f.yaml");
  EXPECT_EQ(node.status().code(), absl::StatusCode::kDataLoss) << text.substr(0, 200);
  return std::string(node.status().message());
}

std::string Json(const std::string& text) { return base::json::serialize(ToJson(Parse(text))); }

TEST(YamlDocument, KnowsTypesLinesAndPaths) {
  EXPECT_EQ(Json("a: 1\nb: [x, 2.5, true, null, '3', ~]\nc: {d: no}\ne: !!str 7\n"),
            R"({"a":1,"b":["x",2.5E0,true,null,"3",null],"c":{"d":"no"},"e":"7"})");
  const YamlNode root = Parse("a:\n  b:\n\n  - c: x\n");
  const YamlNode& c = *root.Find("a")->Find("b")->items[0].Find("c");
  EXPECT_EQ(c.path, "a.b[0].c");
  EXPECT_EQ(c.line, 4);
  EXPECT_EQ(root.Find("a")->line, 1);  // of its key, not of what is in it
}

TEST(YamlDocument, NumbersAreFiniteAndText) {
  EXPECT_EQ(Json("[.inf, nan, inf, 1e999, 127.0.0.1, 2024-01-02, +5, -]"),
            R"([".inf","nan","inf","1e999","127.0.0.1","2024-01-02",5,"-"])");
}

TEST(YamlDocument, AliasesAndMergeKeys) {
  EXPECT_EQ(Json("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\nlist: [*b]\n"),
            R"({"base":{"x":1,"y":2},"other":{"y":3,"x":1},"list":[{"x":1,"y":2}]})");
  const YamlNode root = Parse("base: &b {x: 1}\nother:\n  <<: *b\nagain: *b\n");
  EXPECT_EQ(root.Find("other")->Find("x")->path, "other.x");
  EXPECT_EQ(root.Find("again")->Find("x")->path, "again.x");
  EXPECT_THAT(Failure("a: &a [*a]\n"), HasSubstr("f.yaml:1: "));
  EXPECT_THAT(Failure("a: {<<: 5}\n"), HasSubstr("expected a map, found '5'"));
}

TEST(YamlDocument, NoBillionLaughs) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&text, "*a", i - 1, ", ");
    absl::StrAppend(&text, "]\n");
  }
  EXPECT_THAT(Failure(text), HasSubstr("more than 20000 values"));
}

TEST(YamlDocument, Bounds) {
  EXPECT_THAT(Failure(std::string(kMaxYamlBytes + 1, 'a')), HasSubstr("at most 262144 bytes"));
  EXPECT_THAT(Failure("a: " + std::string(200, '[') + std::string(200, ']')),
              HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(Failure(std::string(200, 'k') + ": 1"), HasSubstr("keys of at most 128 bytes"));
  std::string deep = "a: &a " + std::string(20, '[') + std::string(20, ']') + "\n";
  deep += "b: " + std::string(20, '[') + "*a" + std::string(20, ']') + "\n";
  EXPECT_THAT(Failure(deep), HasSubstr("f.yaml:2: nested deeper than 32 levels"));
}

TEST(YamlDocument, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Failure("a: 1\nb: 2\na: 3\n"),
              HasSubstr("f.yaml:3: key 'a' stands already in line 1"));
  EXPECT_THAT(Failure("a: 1\n b: : 2\n"), HasSubstr("f.yaml:2: not valid YAML: "));
  EXPECT_THAT(Failure("a: \"\\\n\\\x01\"\n"), Not(HasSubstr("\n")));
  EXPECT_THAT(Failure("a: !!python/object 5\n"), HasSubstr("f.yaml:1: expected no tag"));
  EXPECT_THAT(Failure("? [a]\n: 1\n"), HasSubstr("f.yaml:1: expected a plain key"));
  EXPECT_THAT(Failure("a: 1\n---\nb: 2\n"), HasSubstr("expected one YAML document"));
  EXPECT_THAT(Failure(""), HasSubstr("found nothing"));
}

}  // namespace
}  // namespace cria::stack
