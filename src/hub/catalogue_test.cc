#include "hub/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "hub/digest.h"
#include "hub/disk.h"
#include "hub/model_store.h"

namespace cria::hub {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string NameOf(const std::string& id) {
  const CatalogueEntry* entry = FindInCatalogue(id);
  return entry == nullptr ? "" : entry->name;
}

TEST(Catalogue, EveryNameFindsItsOwnEntryAlone) {
  std::set<std::string> seen;
  for (const CatalogueEntry& entry : Catalogue()) {
    std::vector<std::string> names = absl::StrSplit(entry.aliases, ' ', absl::SkipEmpty());
    names.emplace_back(entry.name);
    if (*entry.repo != '\0') names.emplace_back(entry.repo);
    for (const std::string& name : names) {
      EXPECT_EQ(NameOf(name), entry.name) << name;
      EXPECT_TRUE(seen.insert(absl::AsciiStrToLower(name)).second) << name << " stands twice";
    }
    EXPECT_TRUE(CheckModelName(entry.name).ok()) << entry.name;
  }
}

TEST(Catalogue, NamesPeopleUse) {
  EXPECT_EQ(NameOf("llama3.2:1b"), "Llama3.2-1B-Instruct");
  EXPECT_EQ(NameOf("llama3.2"), "Llama3.2-3B-Instruct");
  EXPECT_EQ(NameOf("LLAMA3.2-1b-instruct"), "Llama3.2-1B-Instruct");
  EXPECT_EQ(NameOf("Llama-3.2-1B-Instruct"), "Llama3.2-1B-Instruct");
  EXPECT_EQ(NameOf("meta-llama/Meta-Llama-3.1-8B-Instruct"), "Llama3.1-8B-Instruct");
  EXPECT_EQ(NameOf("Llama3.2-1B-Instruct-int4-qlora-eo8"), "Llama3.2-1B-Instruct:int4-qlora-eo8");
  EXPECT_EQ(NameOf("smollm2:135m"), "smollm2:135m");
  EXPECT_EQ(NameOf("all-minilm"), "all-minilm:l6-v2");
  EXPECT_EQ(NameOf("sentence-transformers/all-MiniLM-L6-v2"), "all-minilm:l6-v2");
  EXPECT_EQ(NameOf("llama3.2:2b"), "");
  EXPECT_EQ(NameOf(""), "");
}

TEST(Catalogue, EntriesAreSound) {
  for (const CatalogueEntry& entry : Catalogue()) {
    EXPECT_GT(entry.context, 0) << entry.name;
    EXPECT_GT(entry.memory_gb, 0) << entry.name;
    EXPECT_THAT((std::vector<std::string>{"json", "python_list"}),
                testing::Contains(entry.tool_format));
    EXPECT_THAT(DescribePromptFormat(entry), HasSubstr(entry.name));
    for (const std::string& file : MetaFiles(entry)) EXPECT_TRUE(IsSafeRelativePath(file)) << file;
    if (entry.pth_files > 0) {
      EXPECT_FALSE(MetaFolder(entry).empty()) << entry.name;
    }
    if (entry.wheel == nullptr) continue;
    EXPECT_TRUE(IsHex(entry.wheel->wheel_sha256, 64));
    EXPECT_FALSE(entry.wheel->members.empty()) << entry.name;
    for (const WheelMember& member : entry.wheel->members) {
      EXPECT_TRUE(IsHex(member.sha256, 64)) << member.path;
      EXPECT_TRUE(IsSafeRelativePath(member.file)) << member.file;
      EXPECT_TRUE(std::string_view(member.path).ends_with(member.file)) << member.path;
    }
  }
}

TEST(Catalogue, ToolFormatOfTheSmallModels) {
  for (const char* name :
       {"Llama3.2-1B-Instruct", "Llama3.2-3B-Instruct", "Llama3.2-3B-Instruct:int4-spinquant-eo8"})
    EXPECT_STREQ(FindInCatalogue(name)->tool_format, "python_list") << name;
  EXPECT_STREQ(FindInCatalogue("Llama3.1-8B-Instruct")->tool_format, "json");
}

TEST(Catalogue, FilesOnMetasServers) {
  EXPECT_THAT(
      MetaFiles(*FindInCatalogue("Llama3.2-1B-Instruct")),
      ElementsAre("checklist.chk", "tokenizer.model", "params.json", "consolidated.00.pth"));
  EXPECT_EQ(MetaFiles(*FindInCatalogue("Llama3.1-70B")).back(), "consolidated.07.pth");
  EXPECT_EQ(MetaFolder(*FindInCatalogue("Llama3.2-1B-Instruct")), "Llama-3.2-1B-Instruct");
  EXPECT_EQ(MetaFolder(*FindInCatalogue("Llama3.1-405B:bf16-mp16")), "Llama-3.1-405B-MP16");
  EXPECT_THAT(MetaFiles(*FindInCatalogue("smollm2:135m")), testing::IsEmpty());
}

TEST(Catalogue, HumanCount) {
  EXPECT_EQ(HumanCount(0), "-");
  EXPECT_EQ(HumanCount(134515008), "135M");
  EXPECT_EQ(HumanCount(1235814400), "1.24B");
  EXPECT_EQ(HumanCount(10629184035), "10.6B");
  EXPECT_EQ(HumanCount(405853388800), "406B");
}

}  // namespace
}  // namespace cria::hub
