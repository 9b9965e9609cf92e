#include "stack/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "stack/stack_testing.h"

namespace cria::stack {
namespace {

using ::testing::HasSubstr;

std::string Value(const std::string& text) {
  const auto value =
      Substitute(text, TestEnvironment({{"A", "one"}, {"EMPTY", ""}, {"X_2", "{}"}}));
  EXPECT_TRUE(value.ok()) << value.status();
  return value.value_or("");
}

std::string Failure(const std::string& text) {
  const auto value = Substitute(text, TestEnvironment());
  EXPECT_EQ(value.status().code(), absl::StatusCode::kDataLoss) << text;
  return std::string(value.status().message());
}

TEST(Environment, BothSyntaxes) {
  EXPECT_EQ(Value("x${env.A}y"), "xoney");
  EXPECT_EQ(Value("${env.A:=d}/${env.B:=d}/${env.EMPTY:=d}"), "one/d/d");
  EXPECT_EQ(Value("[${env.A:+set}][${env.B:+set}][${env.EMPTY:+set}]"), "[set][][]");
  EXPECT_EQ(Value("${env.A:d}/${env.B:d}/${env.B:http://h:80/v1}"), "one/d/http://h:80/v1");
  EXPECT_EQ(Value("[${env.A+set}][${env.B+set}]"), "[set][]");
  EXPECT_EQ(Value("[${env.B:=}][${env.B:}]"), "[][]");
}

TEST(Environment, VariablesWithinVariables) {
  EXPECT_EQ(Value("${env.B:=${env.C:=~/.llama}/x}/y"), "~/.llama/x/y");
  EXPECT_EQ(Value("${env.A:+${env.A}${env.A}}"), "oneone");
  EXPECT_EQ(Value("${env.X_2}"), "{}");
  // What isn't used isn't needed.
  EXPECT_EQ(Value("${env.A:=${env.MISSING}}"), "one");
  std::string deep = "x";
  for (int i = 0; i < 20; ++i) deep = absl::StrCat("${env.B:=", deep, "}");
  EXPECT_THAT(Failure(deep), HasSubstr("at most 8 variables within each other"));
}

TEST(Environment, NothingElseIsAVariable) {
  EXPECT_EQ(Value("$A ${A} $env.A {env.A} ~"), "$A ${A} $env.A {env.A} ~");
  EXPECT_FALSE(HasVariables("${A}"));
  EXPECT_TRUE(HasVariables("x${env.A}"));
}

TEST(Environment, SaysWhatIsWrong) {
  EXPECT_THAT(
      Failure("${env.MISSING}"),
      HasSubstr("expected the environment variable MISSING, found it unset: set it, or give "
                "--env MISSING=VALUE"));
  EXPECT_THAT(Failure("${env.lower}"), HasSubstr("found '${env.lower}'"));
  EXPECT_THAT(Failure("${env.}"), HasSubstr("expected ${env.NAME}"));
  EXPECT_THAT(Failure("${env.A"), HasSubstr("expected a '}'"));
}

TEST(Environment, Assignments) {
  const auto values = ParseAssignments({"A=1", "B_2=x=y", "A=2"});
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->at("A"), "2");
  EXPECT_EQ(values->at("B_2"), "x=y");
  const Environment both = Overlay(*values, TestEnvironment({{"A", "under"}, {"C", "3"}}));
  EXPECT_EQ(both("A"), "2");
  EXPECT_EQ(both("C"), "3");
  EXPECT_EQ(both("D"), std::nullopt);
  for (const char* wrong : {"A", "=1", "a=1", "A B=1"})
    EXPECT_EQ(ParseAssignments({wrong}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Environment, Homes) {
  EXPECT_EQ(ExpandHome("~/x", TestEnvironment()), "/home/me/x");
  EXPECT_EQ(ExpandHome("/a/~/x", TestEnvironment()), "/a/~/x");
  EXPECT_EQ(LlamaHome(TestEnvironment()).value_or(""), "/home/me/.llama");
  EXPECT_EQ(LlamaHome(TestEnvironment({{"LLAMA_HOME", "~/l"}})).value_or(""), "/home/me/l");
  EXPECT_EQ(LlamaHome(TestEnvironment({{"HOME", ""}})).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace cria::stack
