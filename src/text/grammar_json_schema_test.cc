#include "text/grammar_json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/grammar_testing.h"

namespace cria::text {
namespace {

using base::json::value;
using testing::HasSubstr;
using Code = absl::StatusCode;

value Json(const std::string& text) {
  auto parsed = base::ParseJson(text, "test");
  EXPECT_TRUE(parsed.ok()) << parsed.status() << text;
  return *std::move(parsed);
}

std::shared_ptr<const Grammar> Compile(const std::string& schema) {
  const value parsed = Json(schema);
  auto grammar = GrammarFromJsonSchema(parsed);
  EXPECT_TRUE(grammar.ok()) << schema << ": " << grammar.status();
  return grammar.ok() ? *grammar : nullptr;
}

struct Case {
  const char* schema;
  std::vector<const char*> accepted, rejected;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.schema; }

class JsonSchemaTest : public testing::TestWithParam<Case> {};

TEST_P(JsonSchemaTest, AllowsWhatItSays) {
  const auto grammar = Compile(GetParam().schema);
  ASSERT_NE(grammar, nullptr);
  for (const char* text : GetParam().accepted) EXPECT_TRUE(Matches(grammar, text)) << text;
  for (const char* text : GetParam().rejected) EXPECT_FALSE(Matches(grammar, text)) << text;
}

const Case kValues[] = {
    {"{}",
     {"1", "-0.5e+10", "\"a\"", "[]", "[1, \"b\",\n  {}]", "{\"a\": [true, null]}", "false"},
     {"", "01", "1.", "[1,]", "{a:1}", "nul", "\"\n\"", "[1 2]", " 1", "1 "}},
    {"true", {"{\"x\":1}"}, {"x"}},
    {R"({"type": "string"})",
     {R"("")", R"("äöü 🦙")", R"("\" \\ \/ \n \u00e4 \ud83e\udd99")"},
     {"1", R"("\x")", R"("\u12")", R"("\ud83e")", R"("\udd99")", "\"\t\""}},
    {R"({"type": ["integer", "null"]})", {"0", "-12", "null"}, {"1.5", "true", "\"1\"", "007"}},
    {R"({"type": "boolean"})", {"true", "false"}, {"True", "1"}},
    {R"({"type": "number"})",
     {"0", "-1", "3.25", "1e5", "1.5E-07"},
     {".5", "1.", "1e", "NaN", "1e999", "+1"}},
    {R"({"type": "integer", "nullable": true})", {"5", "null"}, {"5.0"}},
    {R"({"enum": ["a\"b", 1, 2.5, null, true, {"k": [1]}, "é"]})",
     {R"("a\"b")", "1", "2.5", "null", "true", R"({"k": [1]})", "\"é\""},
     {"\"a\"", "2", "false", "{}"}},
    {R"({"type": "string", "enum": ["on", "off", 3]})", {"\"on\"", "\"off\""}, {"3", "\"o\""}},
    {R"({"const": "x"})", {"\"x\""}, {"\"y\"", "x"}},
};
INSTANTIATE_TEST_SUITE_P(Values, JsonSchemaTest, testing::ValuesIn(kValues));

const Case kStrings[] = {
    {R"({"type": "string", "minLength": 2, "maxLength": 3})",
     {R"("ab")", R"("äöü")", R"("\n\u0041")", R"("\ud83e\udd99x")"},
     {R"("a")", R"("abcd")", R"("")"}},
    {R"({"type": "string", "pattern": "^[A-Z]{2}-\\d+$"})",
     {R"("AB-1")", R"("XY-0123")"},
     {R"("A-1")", R"("AB-")", R"("ab-1")", R"("AB-1 ")"}},
    {R"({"pattern": "^(foo|ba[rz])?$|^x.*y$"})",
     {R"("")", R"("foo")", R"("bar")", R"("baz")", R"("xy")", R"("x\"y")", R"("x--y")"},
     {R"("fo")", R"("bat")", R"("x")"}},
    {R"({"pattern": "ab"})", {R"("ab")", R"("xxabyy")", R"("a\nab")"}, {R"("a b")", R"("")"}},
    {R"({"pattern": "^[^a-y\"]+\\.\\s\\w$"})",
     {R"("zz. _")", R"("Z\\.\nb")"},
     {R"("a. b")", R"("z.b")", R"("\". b")"}},
    {R"({"pattern": "^\"\\\\$"})", {R"("\"\\")"}, {R"("\\")"}},
    {R"({"format": "date"})", {R"("2024-02-29")"}, {R"("2024-13-01")", R"("24-1-1")"}},
    {R"({"type": "string", "format": "date-time"})",
     {R"("2024-02-29T23:59:59Z")", R"("2024-02-29T23:59:59.123+02:00")"},
     {R"("2024-02-29 23:59:59Z")", R"("2024-02-29T24:00:00Z")"}},
    {R"({"type": "string", "format": "uuid"})",
     {R"("123e4567-e89b-12d3-a456-426614174000")"},
     {R"("123e4567")"}},
    {R"({"type": "string", "format": "email"})", {R"("a.b@c-d.org")"}, {R"("a@b")", R"("@b.c")"}},
    {R"({"type": "string", "format": "ipv4"})", {R"("127.0.0.1")"}, {R"("256.1.1.1")"}},
    {R"({"type": "string", "format": "hostname"})", {R"("anything")"}, {"1"}},
};
INSTANTIATE_TEST_SUITE_P(Strings, JsonSchemaTest, testing::ValuesIn(kStrings));

const Case kNumbers[] = {
    {R"({"type": "integer", "minimum": 3, "maximum": 127})",
     {"3", "9", "10", "99", "100", "127"},
     {"2", "128", "1", "0", "-3", "1000", "03", "12.0"}},
    {R"({"type": "integer", "minimum": -12, "maximum": 5})",
     {"-12", "-1", "0", "5"},
     {"-13", "6", "-100", "-0"}},
    {R"({"type": "integer", "exclusiveMinimum": 0})", {"1", "99999"}, {"0", "-1"}},
    {R"({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 3})", {"1", "2"}, {"0", "3"}},
    {R"({"type": "integer", "maximum": -7})", {"-7", "-8", "-70"}, {"-6", "0", "7", "-1"}},
    {R"({"type": "integer", "minimum": 5, "exclusiveMinimum": true})", {"6"}, {"5"}},
    {R"({"type": "number", "minimum": 0, "maximum": 1})",
     {"0", "1", "0.5", "0.000", "1.0", "1.00"},
     {"1.01", "-0.1", "2", "10", "1e0"}},
    {R"({"type": "number", "exclusiveMinimum": -2, "exclusiveMaximum": 10})",
     {"-1.99", "0", "9.99", "9", "-1"},
     {"-2", "-2.5", "10", "10.0", "-2.0"}},
    {R"({"type": "number", "exclusiveMinimum": 3})",
     {"3.001", "4", "12.5"},
     {"3", "3.0", "3.00", "2.9"}},
    {R"({"type": "number", "multipleOf": 1})", {"3"}, {"3.5"}},
};
INSTANTIATE_TEST_SUITE_P(Numbers, JsonSchemaTest, testing::ValuesIn(kNumbers));

const Case kArrays[] = {
    {R"({"type": "array"})", {"[]", "[1,\"a\"]", "[\n  1,\n  2\n]"}, {"[,]", "{}"}},
    {R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
     {"[1,2]", "[1, 2, 3]"},
     {"[]", "[1]", "[1,2,3,4]", "[1,\"a\"]"}},
    {R"({"items": {"type": "boolean"}, "maxItems": 1})", {"[]", "[true]"}, {"[true,true]"}},
    {R"({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": false})",
     {"[]", "[1]", "[1, 2]"},
     {"[2]", "[1,2,3]"}},
    {R"({"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 2})",
     {"[1,2]", "[1,2,2]"},
     {"[1]", "[]", "[1,1]"}},
    {R"({"type": "array", "items": [{"const": 1}], "additionalItems": {"type": "string"}})",
     {"[1]", "[1,\"a\"]"},
     {"[1,1]"}},
    {R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
};
INSTANTIATE_TEST_SUITE_P(Arrays, JsonSchemaTest, testing::ValuesIn(kArrays));

const Case kObjects[] = {
    {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
         "required": ["a", "b"]})",
     {R"({"a":1,"b":"x"})", R"({"a": 1, "b": "x"})", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}"},
     {"{}", R"({"a":1})", R"({"b":"x","a":1})", R"({"a":1,"b":"x","c":1})", R"({"a":1"b":"x"})"}},
    {R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}},
         "required": ["b"]})",
     {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})"},
     {"{}", R"({"a":1})", R"({"a":1,"c":3})", R"({,"b":2})", R"({"b":2,})"}},
    {R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}})",
     {"{}", R"({"a":1})", R"({"b":2})", R"({"c":3})", R"({"a":1,"c":3})", R"({"b":2,"c":3})"},
     {R"({"c":3,"a":1})", R"({"a":1,})"}},
    {R"({"type": "object"})", {"{}", R"({"x": {"y": []}})"}, {"[]"}},
    {R"({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1,
         "maxProperties": 2})",
     {R"({"x":1})", R"({"x":1, "y":2})"},
     {"{}", R"({"x":"1"})", R"({"x":1,"y":2,"z":3})"}},
    {R"({"properties": {"name": {"const": 1}}, "additionalProperties": {"type": "string"}})",
     {"{}", R"({"name":1})", R"({"name":1,"x":"y"})", R"({"nam":"y"})", R"({"names":"y"})",
      R"({"":"y"})", R"({"nombre":"y"})"},
     {R"({"name":"y"})", R"({"x":"y","name":1})", R"({"x":1})"}},
    {R"({"type": "object", "properties": {"a": {}}, "required": ["z"],
         "additionalProperties": true})",
     {R"({"z":1})", R"({"a":1,"z":2,"more":[]})"},
     {R"({"a":1})"}},
    {R"({"type": "object", "additionalProperties": false})", {"{}"}, {R"({"a":1})"}},
    {R"({"properties": {"say \"hi\"\n": {"const": 1}}, "required": ["say \"hi\"\n"]})",
     {R"({"say \"hi\"\n":1})"},
     {R"({"say hi":1})"}},
};
INSTANTIATE_TEST_SUITE_P(Objects, JsonSchemaTest, testing::ValuesIn(kObjects));

const Case kCombined[] = {
    {R"({"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"a": {"const": 1}},
         "required": ["a"]}]})",
     {"5", R"({"a":1})"},
     {"{}", "\"5\""}},
    {R"({"type": "object", "properties": {"k": {"enum": ["x", "y"]}}, "required": ["k"],
         "oneOf": [{"properties": {"x": {"const": 1}}, "required": ["x"]},
                   {"properties": {"y": {"const": 2}}, "required": ["y"]}]})",
     {R"({"k":"x","x":1})", R"({"k":"y","y":2})"},
     {R"({"k":"x"})", R"({"k":"x","x":1,"y":2})"}},
    {R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                   {"properties": {"b": {"const": 1}, "a": {"minimum": 5}}, "required": ["b"]}]})",
     {R"({"a":7,"b":1})"},
     {R"({"a":7})", R"({"a":4,"b":1})"}},
    {R"({"allOf": [{"type": ["integer", "string"]}, {"type": ["number"]}]})", {"1"}, {"1.5"}},
    {R"({"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}})",
     {"[1,2]"},
     {"[\"a\"]"}},
    {R"({"$defs": {"n": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/n",
         "description": "d"}, "y": {"$ref": "#/$defs/n", "maximum": 3}}})",
     {R"({"x":12,"y":3})"},
     {R"({"y":4})"}},
    {R"({"type": "object", "properties": {"v": {"type": "integer"}, "next": {"anyOf": [
         {"$ref": "#"}, {"type": "null"}]}}, "required": ["v", "next"]})",
     {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":null}})"},
     {R"({"v":1})", R"({"v":1,"next":{"v":2}})"}},
    {R"({"definitions": {"a/b~c": {"const": 9}}, "$ref": "#/definitions/a~1b~0c"})", {"9"}, {"8"}},
};
INSTANTIATE_TEST_SUITE_P(Combined, JsonSchemaTest, testing::ValuesIn(kCombined));

struct Refusal {
  const char* schema;
  Code code;
  const char* place;
};

void PrintTo(const Refusal& c, std::ostream* out) { *out << c.schema; }

class JsonSchemaRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(JsonSchemaRefusalTest, NamesThePlace) {
  const value schema = Json(GetParam().schema);
  const auto grammar = GrammarFromJsonSchema(schema);
  ASSERT_FALSE(grammar.ok());
  EXPECT_EQ(grammar.status().code(), GetParam().code) << grammar.status();
  EXPECT_THAT(std::string(grammar.status().message()), HasSubstr(GetParam().place));
}

const Refusal kRefusals[] = {
    {"[]", Code::kInvalidArgument, "schema"},
    {"false", Code::kInvalidArgument, "nothing"},
    {R"({"type": "text"})", Code::kInvalidArgument, "/type"},
    {R"({"properties": {"a": {"not": {}}}})", Code::kUnimplemented, "/properties/a/not"},
    {R"({"patternProperties": {"^x": {}}})", Code::kUnimplemented, "/patternProperties"},
    {R"({"type": "array", "uniqueItems": true})", Code::kUnimplemented, "/uniqueItems"},
    {R"({"if": {}, "then": {}})", Code::kUnimplemented, "/if"},
    {R"({"type": "integer", "multipleOf": 5})", Code::kUnimplemented, "/multipleOf"},
    {R"({"type": "number", "minimum": 0.5})", Code::kUnimplemented, "/minimum"},
    {R"x({"pattern": "(?=a)"})x", Code::kUnimplemented, "offset 1"},
    {R"({"pattern": "a\\b"})", Code::kUnimplemented, "word boundary"},
    {R"({"pattern": "a^"})", Code::kUnimplemented, "anchor"},
    {R"({"pattern": "(a"})", Code::kInvalidArgument, "')'"},
    {R"({"pattern": "*"})", Code::kInvalidArgument, "repetition"},
    {R"({"pattern": "a{2,1}"})", Code::kInvalidArgument, "m <= n"},
    {R"({"pattern": "a", "maxLength": 3})", Code::kUnimplemented, "/pattern"},
    {R"({"type": "integer", "minimum": 5, "maximum": 4})", Code::kInvalidArgument, "bounds"},
    {R"({"minItems": 3, "maxItems": 2})", Code::kInvalidArgument, "minItems"},
    {R"({"enum": []})", Code::kInvalidArgument, "none of the values"},
    {R"({"type": "string", "enum": [1]})", Code::kInvalidArgument, "none of the values"},
    {R"({"anyOf": []})", Code::kInvalidArgument, "/anyOf"},
    {R"({"$ref": "http://example.com/s"})", Code::kUnimplemented, "/$ref"},
    {R"({"$ref": "#/$defs/none"})", Code::kInvalidArgument, "#/$defs/none"},
    {R"({"$ref": "#"})", Code::kInvalidArgument, "no finite text"},
    {R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", Code::kInvalidArgument, ""},
    {R"({"required": ["a"], "additionalProperties": false})", Code::kInvalidArgument, "/required"},
    {R"({"allOf": [{"const": 1}, {"const": 2}]})", Code::kUnimplemented, "/const"},
    {R"({"allOf": [{"type": "string"}, {"type": "null"}]})", Code::kInvalidArgument, "/type"},
    {R"({"allOf": [{"$ref": "#"}]})", Code::kResourceExhausted, ""},
    {R"({"minLength": "a"})", Code::kInvalidArgument, "minLength"},
};
INSTANTIATE_TEST_SUITE_P(Refusals, JsonSchemaRefusalTest, testing::ValuesIn(kRefusals));

TEST(JsonSchemaLimitsTest, DeepAndWideSchemasAreBounded) {
  base::json::value deep = base::json::object{{"type", "integer"}};
  for (int i = 0; i < 1000; ++i)
    deep = base::json::object{{"type", "array"}, {"items", std::move(deep)}};
  EXPECT_EQ(GrammarFromJsonSchema(deep).status().code(), Code::kResourceExhausted);
  // Every definition refers twice to the next: 2^60 paths, but each is compiled once.
  base::json::object definitions;
  for (int i = 0; i < 60; ++i) {
    const base::json::object next{{"$ref", absl::StrCat("#/$defs/d", i + 1)}};
    definitions[absl::StrCat("d", i)] = base::json::object{{"anyOf", {next, next}}};
  }
  definitions["d60"] = base::json::object{{"type", "integer"}};
  const value wide = base::json::object{{"$defs", definitions}, {"$ref", "#/$defs/d0"}};
  const auto grammar = GrammarFromJsonSchema(wide);
  if (grammar.ok()) {
    EXPECT_TRUE(Matches(*grammar, "1"));
  } else {
    EXPECT_EQ(grammar.status().code(), Code::kResourceExhausted);
  }
}

TEST(JsonSchemaLimitsTest, ManyOptionalMembersStaySmall) {
  base::json::object properties;
  for (int i = 0; i < 200; ++i)
    properties[absl::StrCat("member", i)] = base::json::object{{"type", "string"}};
  const value schema = base::json::object{{"type", "object"}, {"properties", properties}};
  const auto grammar = GrammarFromJsonSchema(schema);
  ASSERT_TRUE(grammar.ok()) << grammar.status();
  EXPECT_TRUE(Matches(*grammar, R"({"member3":"a","member150":"b"})"));
  EXPECT_FALSE(Matches(*grammar, R"({"member150":"a","member3":"b"})"));
}

// Random walks along the masks end in texts that are JSON and hold what the schema asks for.
TEST(JsonSchemaWalkTest, EveryWalkIsAValidValue) {
  const auto grammar = Compile(R"({
    "type": "object",
    "properties": {
      "name": {"type": "string", "maxLength": 8},
      "age": {"type": "integer", "minimum": 0, "maximum": 150},
      "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3},
      "score": {"type": "number", "minimum": -1, "maximum": 1},
      "address": {"anyOf": [{"type": "null"}, {"type": "object",
        "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}}, "required": ["zip"]}]}
    },
    "required": ["name", "age", "address"]
  })");
  base::Rng rng(17);
  for (int round = 0; round < 150; ++round) {
    const auto trie = TokenTrie::FromTokens(RandomVocabulary(200, &rng));
    const auto matcher = MakeGrammarMatcher(grammar, trie);
    std::string text;
    for (int step = 0; step < 2000; ++step) {
      const std::vector<TokenId> allowed = AllowedTokens(matcher.get(), *trie);
      if (allowed.empty()) break;
      const TokenId id = allowed[rng.Below(static_cast<uint32_t>(allowed.size()))];
      ASSERT_TRUE(matcher->Accept(id));
      text += trie->Bytes(id);
    }
    ASSERT_TRUE(matcher->CanEnd()) << text;
    const auto parsed = base::ParseJson(text, "walk");
    ASSERT_TRUE(parsed.ok()) << text << parsed.status();
    const auto& object = parsed->as_object();
    EXPECT_TRUE(object.at("name").is_string());
    const int64_t age = object.at("age").as_int64();
    EXPECT_TRUE(age >= 0 && age <= 150) << text;
    if (const value* score = object.if_contains("score")) {
      const auto number = score->to_number<double>();
      EXPECT_TRUE(number >= -1 && number <= 1) << text;
    }
    if (const value* tags = object.if_contains("tags")) {
      EXPECT_LE(tags->as_array().size(), 3U);
    }
    const value& address = object.at("address");
    if (!address.is_null()) {
      EXPECT_EQ(address.at("zip").as_string().size(), 5U) << text;
    }
  }
}

}  // namespace
}  // namespace cria::text
