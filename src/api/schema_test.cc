#include "api/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schemas.h"

namespace cria::api {
namespace {

using base::json::parse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SchemaSet Parse(std::string_view text) {
  auto set = SchemaSet::Parse(text);
  EXPECT_TRUE(set.ok()) << set.status();
  return *std::move(set);
}

// "path: type" of each error.
std::vector<std::string> Errors(const SchemaSet& set, std::string_view name, const char* json) {
  std::vector<std::string> out;
  for (const FieldError& error : set.Check(name, parse(json)))
    out.push_back(error.Path() + ": " + error.type);
  return out;
}

TEST(SchemaTest, PlainTypesAcceptTheirOwnAndNothingElse) {
  const SchemaSet set = Parse("T {s:string, i:int, n:number, b:bool, o:object, a:any}");
  EXPECT_THAT(Errors(set, "T", R"({"s":"x","i":3,"n":1.5,"b":true,"o":{"k":1},"a":null})"),
              IsEmpty());
  EXPECT_THAT(Errors(set, "T", R"({"s":1,"i":1.5,"n":"1","b":0,"o":[],"a":[]})"),
              ElementsAre("s: string_type", "i: int_type", "n: float_type", "b: bool_type",
                          "o: dict_type"));
  EXPECT_THAT(Errors(set, "T", R"({"s":"x","i":3.0,"n":1,"b":true,"o":{},"a":1,"more":1})"),
              IsEmpty());
}

TEST(SchemaTest, OptionalFieldsMayBeAbsentOrNullAndOthersMayNot) {
  const SchemaSet set = Parse("T {must:int, may?:int}");
  EXPECT_THAT(Errors(set, "T", R"({"must":1,"may":null})"), IsEmpty());
  EXPECT_THAT(Errors(set, "T", R"({"may":1})"), ElementsAre("must: missing"));
  EXPECT_THAT(Errors(set, "T", R"({"must":null})"), ElementsAre("must: int_type"));
}

TEST(SchemaTest, BoundsHoldForNumbersAndLengths) {
  const SchemaSet set =
      Parse("T {i?:int<1..20>, n?:number<-2..2>, s?:string<1..3>, open?:int<5..>}");
  EXPECT_THAT(Errors(set, "T", R"({"i":20,"n":-2,"s":"abc","open":5000})"), IsEmpty());
  EXPECT_THAT(Errors(set, "T", R"({"i":0,"n":2.1,"s":"","open":4})"),
              ElementsAre("i: greater_than_equal", "n: less_than_equal", "s: string_too_short",
                          "open: greater_than_equal"));
}

TEST(SchemaTest, ListsAndMapsNameTheItem) {
  const SchemaSet set = Parse("T {list:Item[], map:map<int>}\nItem {x:int}");
  EXPECT_THAT(Errors(set, "T", R"({"list":[{"x":1},{"x":"2"}],"map":{"a":1,"b":[]}})"),
              ElementsAre("list[1].x: int_type", "map.b: int_type"));
}

TEST(SchemaTest, AUnionTellsOfTheShapeThatWasMeant) {
  const SchemaSet set = Parse(
      "Part {type:{text}, text:string}|{type:{image}, url:string}\nT {content:string|Part[]}");
  EXPECT_THAT(Errors(set, "T", R"({"content":"hi"})"), IsEmpty());
  EXPECT_THAT(Errors(set, "T", R"({"content":[{"type":"text","text":"a"}]})"), IsEmpty());
  EXPECT_THAT(Errors(set, "T", R"({"content":[{"type":"image","text":"a"}]})"),
              ElementsAre("content[0].url: missing"));
  EXPECT_THAT(Errors(set, "T", R"({"content":7})"), ElementsAre("content: union_type"));
  const auto errors = set.Check("T", parse(R"({"content":7})"));
  EXPECT_THAT(errors.front().message, HasSubstr("expected a string or a list, found"));
}

TEST(SchemaTest, EnumsNameTheirWords) {
  const SchemaSet set = Parse("T {order:{asc,desc}, kind:{\"chat.completion\"}}");
  EXPECT_THAT(Errors(set, "T", R"({"order":"asc","kind":"chat.completion"})"), IsEmpty());
  const auto errors = set.Check("T", parse(R"({"order":"up","kind":"chat.completion"})"));
  ASSERT_EQ(errors.size(), 1);
  EXPECT_EQ(errors.front().message, "expected one of 'asc', 'desc', found 'up'");
}

TEST(SchemaTest, ManyErrorsAreCutShort) {
  const SchemaSet set = Parse("T int[]");
  std::string json = "[";
  for (int i = 0; i < 1000; ++i) json += "\"x\",";
  json += "1]";
  EXPECT_LE(Errors(set, "T", json.c_str()).size(), 20);
}

TEST(SchemaTest, ASchemaThatRefersToItselfEnds) {
  const SchemaSet set = Parse("Tree {children?:Tree[], value:int}");
  EXPECT_THAT(Errors(set, "Tree", R"({"value":1,"children":[{"value":2},{"value":"x"}]})"),
              ElementsAre("children[1].value: int_type"));
}

TEST(SchemaTest, WrongTextNamesLineAndPlace) {
  const auto column = SchemaSet::Parse("Good int\nBad {a:}");
  EXPECT_THAT(column.status().message(), HasSubstr("line 2, Bad: column 4"));
  const auto unknown = SchemaSet::Parse("T {a:Nowhere}");
  EXPECT_THAT(unknown.status().message(), HasSubstr("T: there is no schema 'Nowhere'"));
  EXPECT_FALSE(SchemaSet::Parse("T int\nT int").ok());
}

TEST(SchemaTest, JsonSchemaSaysTheSame) {
  const SchemaSet set = Parse("T {a:int<1..9>, b?:{x,y}=\"x\", c:Other[]}\nOther map<string>");
  const base::json::object schemas = set.ToJsonSchemas();
  EXPECT_EQ(schemas.at("T"), parse(R"({"type":"object","required":["a","c"],"properties":{
              "a":{"type":"integer","minimum":1,"maximum":9},
              "b":{"anyOf":[{"type":"string","enum":["x","y"]},{"type":"null"}],"default":"x"},
              "c":{"type":"array","items":{"$ref":"#/components/schemas/Other"}}}})"));
  EXPECT_EQ(schemas.at("Other"),
            parse(R"({"type":"object","additionalProperties":{"type":"string"}})"));
}

TEST(SchemasTest, ThoseOfTheApiParse) {
  const std::string all = std::string(OpenAiSchemas()) + std::string(NativeSchemas());
  const auto set = SchemaSet::Parse(all);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(Errors(*set, "ChatCompletionRequest",
                     R"({"model":"m","messages":[{"role":"user","content":"hi"}],"n":0})"),
              ElementsAre("n: greater_than_equal"));
  EXPECT_THAT(Errors(*set, "ChatCompletionRequest",
                     R"({"model":"m","messages":[{"role":"nobody","content":"hi"}]})"),
              ElementsAre("messages[0].role: literal_error"));
  EXPECT_THAT(Errors(*set, "NativeChatRequest",
                     R"({"model_id":"m","messages":[{"role":"user","content":{"type":"text",
                        "text":"hi"}}],"sampling_params":{"strategy":{"type":"top_p","top_p":2}}})"),
              ElementsAre("sampling_params.strategy.top_p: less_than_equal"));
}

}  // namespace
}  // namespace cria::api
