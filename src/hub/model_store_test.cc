#include "hub/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "hub/disk.h"
#include "hub/verify.h"

namespace cria::hub {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ModelStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(home_).ok());
    ASSERT_TRUE(MakeDirectories(home_).ok());
  }

  std::string Write(const std::string& path, const std::string& content) {
    EXPECT_TRUE(MakeDirectories(DirectoryOf(path)).ok());
    EXPECT_TRUE(base::WriteFileAtomically(path, content).ok());
    return path;
  }

  InstalledModel Install(const std::string& name, const std::string& file) {
    const std::unique_ptr<Staging> staging = store_.Stage(name).value();
    const std::string path = Write(JoinPath(staging->directory(), file), "content");
    const std::string sha256 = HashFile(path, DigestKind::kSha256).value();
    return staging->Publish("test", {{file, 7, sha256}}).value();
  }

  std::string home_ = testing::TempDir() + "/model_store_test";
  ModelStore store_{home_};
};

TEST_F(ModelStoreTest, PublishedModelsAreFoundByAllTheirNames) {
  const InstalledModel model = Install("Llama3.2-1B-Instruct", "model.safetensors");
  EXPECT_EQ(model.directory, home_ + "/checkpoints/Llama3.2-1B-Instruct");
  for (const char* name : {"Llama3.2-1B-Instruct", "llama3.2-1b-instruct", "llama3.2:1b",
                           "meta-llama/Llama-3.2-1B-Instruct"}) {
    const absl::StatusOr<ResolvedModel> found = store_.Resolve(name);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->path, model.directory);
    EXPECT_EQ(found->name, "Llama3.2-1B-Instruct");
    EXPECT_EQ(found->tool_format, "python_list");
  }
  EXPECT_THAT(store_.List().value(), SizeIs(1));
}

TEST_F(ModelStoreTest, NamesOutsideTheCatalogue) {
  Install("mine:1b", "weights.gguf");
  Install("org/other", "model.safetensors");
  EXPECT_EQ(store_.Resolve("mine:1b")->path, home_ + "/checkpoints/mine-1b/weights.gguf");
  EXPECT_EQ(store_.Resolve("MINE:1B")->name, "mine:1b");
  EXPECT_EQ(store_.Resolve("org/other")->path, home_ + "/checkpoints/org--other");
  EXPECT_EQ(store_.Resolve("mine:1b")->tool_format, "json");
}

TEST_F(ModelStoreTest, PathsWin) {
  const std::string file = Write(home_ + "/here/x.gguf", "x");
  EXPECT_EQ(store_.Resolve(file)->path, file);
  EXPECT_EQ(store_.Resolve(home_ + "/here")->path, file);
  EXPECT_EQ(store_.Resolve(home_ + "/absent.gguf").status().code(), absl::StatusCode::kNotFound);
  const InstalledModel model = Install("Llama3.2-3B-Instruct", "model.safetensors");
  EXPECT_EQ(store_.Resolve(model.directory)->tool_format, "python_list");
}

TEST_F(ModelStoreTest, NotFoundSaysHowToGetIt) {
  EXPECT_THAT(store_.Resolve("smollm2:135m").status().message(),
              HasSubstr("llama model pull smollm2:135m"));
  EXPECT_THAT(store_.Resolve("llama3.2:1b").status().message(),
              HasSubstr("llama model download --model-id Llama3.2-1B-Instruct"));
  EXPECT_THAT(store_.Resolve("Llama3.2-1B-Instuct").status().message(),
              HasSubstr("did you mean Llama3.2-1B-Instruct"));
  EXPECT_THAT(store_.Resolve("some/thing").status().message(), HasSubstr("--model-id some/thing"));
  for (const std::string name :
       {"smollm2:135m", "x", "a/b/c", "a\nb", "../../no-such-place", "no such"})
    EXPECT_EQ(store_.Resolve(name).status().code(), absl::StatusCode::kNotFound) << name;
}

TEST_F(ModelStoreTest, NamesNeverLeaveTheStore) {
  for (const std::string name : {"", "..", ".", "../x", "a/..", "a/../b", "/a", "a/", "a//b",
                                 "a/b/c", "a b", "a\nb", "-a", ".a", "a\\b"}) {
    EXPECT_EQ(CheckModelName(name).code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_FALSE(store_.Stage(name).ok()) << name;
    EXPECT_FALSE(store_.Find(name).ok()) << name;
  }
  EXPECT_FALSE(CheckModelName(std::string("a\0b", 3)).ok());
  EXPECT_FALSE(CheckModelName(std::string(129, 'a')).ok());
  EXPECT_TRUE(CheckModelName("Org-1/model_2.5:7b-q4+x").ok());
}

TEST_F(ModelStoreTest, UnfinishedModelsAreInvisible) {
  const std::unique_ptr<Staging> staging = store_.Stage("half").value();
  Write(JoinPath(staging->directory(), "model.safetensors"), "x");
  EXPECT_THAT(store_.List().value(), IsEmpty());
  EXPECT_FALSE(store_.Resolve("half").ok());
}

TEST_F(ModelStoreTest, OneProcessAtATime) {
  const std::unique_ptr<Staging> staging = store_.Stage("one").value();
  EXPECT_EQ(store_.Stage("one").status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(store_.Stage("two").ok());
}

TEST_F(ModelStoreTest, PublishReplaces) {
  Install("mine", "old.gguf");
  Install("mine", "new.gguf");
  EXPECT_THAT(ListFiles(store_.DirectoryFor("mine")).value(),
              ElementsAre("model.json", "new.gguf"));
  EXPECT_THAT(ListFiles(home_ + "/checkpoints").value(), SizeIs(2));
}

TEST_F(ModelStoreTest, DeathBetweenTheRenamesLosesNothing) {
  const InstalledModel model = Install("mine", "old.gguf");
  ASSERT_TRUE(MakeDirectories(home_ + "/checkpoints/.partial").ok());
  ASSERT_TRUE(Rename(model.directory, home_ + "/checkpoints/.partial/mine.old").ok());
  EXPECT_FALSE(store_.Find("mine").ok());
  EXPECT_TRUE(store_.Stage("mine").ok());
  EXPECT_TRUE(store_.Find("mine").ok());
}

TEST_F(ModelStoreTest, RemoveLeavesNothing) {
  const InstalledModel model = Install("mine", "old.gguf");
  ASSERT_TRUE(store_.Remove(model).ok());
  EXPECT_FALSE(base::DirectoryExists(model.directory));
  EXPECT_THAT(store_.List().value(), IsEmpty());
}

TEST_F(ModelStoreTest, DirectoriesPutThereByHand) {
  Write(home_ + "/checkpoints/Llama3.2-1B-Instruct/consolidated.00.pth", "1234");
  Write(home_ + "/checkpoints/Llama3.2-1B-Instruct/params.json", "{}");
  const InstalledModel model = store_.Find("llama3.2:1b").value();
  EXPECT_EQ(model.tool_format, "python_list");
  EXPECT_EQ(model.bytes, 6u);
  EXPECT_THAT(model.files, SizeIs(2));
}

TEST_F(ModelStoreTest, ByProductsTakeRoomAndAreNoPartOfTheModel) {
  const InstalledModel recorded = Install("recorded", "a.gguf");
  Write(home_ + "/checkpoints/bare/a.gguf", "content");
  for (const std::string name : {"recorded", "bare"}) {
    Write(home_ + "/checkpoints/" + name + "/a.gguf.packed", "123");
    Write(home_ + "/checkpoints/" + name + "/b.gguf.packed.partial", "12");
    const InstalledModel model = store_.Find(name).value();
    EXPECT_EQ(model.bytes, 12u) << name;
    ASSERT_THAT(model.files, SizeIs(1)) << name;
    EXPECT_EQ(model.files.front().path, "a.gguf");
  }
}

TEST_F(ModelStoreTest, TheCatalogueProvesWhatNoRecordDescribes) {
  Write(home_ + "/checkpoints/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf", "flipped");
  const InstalledModel model = store_.Find("smollm2:135m").value();
  const FileCheck check = VerifyModel(model, nullptr)->front();
  EXPECT_FALSE(check.ok);
  EXPECT_THAT(check.problem, HasSubstr("sha256"));
}

TEST_F(ModelStoreTest, DamagedRecordsAreNamed) {
  for (const char* text :
       {"", "[]", "{\"files\":[1]}", "{\"files\":[{\"path\":\"../x\"}]}", "{\"name\":3}"}) {
    Write(home_ + "/checkpoints/mine/model.json", text);
    EXPECT_FALSE(store_.Find("mine").ok()) << text;
  }
}

TEST_F(ModelStoreTest, OpenablePaths) {
  const std::string directory = home_ + "/m";
  Write(directory + "/original/params.json", "{}");
  EXPECT_EQ(OpenablePath(directory), directory + "/original");
  Write(directory + "/one.gguf", "");
  EXPECT_EQ(OpenablePath(directory), directory + "/one.gguf");
  Write(directory + "/two.gguf", "");
  EXPECT_NE(OpenablePath(directory), directory + "/one.gguf");
  Write(directory + "/model.safetensors", "");
  EXPECT_EQ(OpenablePath(directory), directory);
  Write(home_ + "/c/tokenizer.bin", "");
  Write(home_ + "/c/tok512.bin", "");
  Write(home_ + "/c/stories.bin", "");
  EXPECT_EQ(OpenablePath(home_ + "/c"), home_ + "/c/stories.bin");
}

TEST_F(ModelStoreTest, VerifySeesEveryKindOfDamage) {
  const InstalledModel model = Install("mine", "a");
  const auto check = [&] { return VerifyModel(model, nullptr)->front(); };
  EXPECT_TRUE(check().ok);
  EXPECT_EQ(check().checked, "sha256");
  Write(model.directory + "/a", "Content");
  EXPECT_THAT(check().problem, HasSubstr("sha256"));
  Write(model.directory + "/a", "conten");
  EXPECT_THAT(check().problem, HasSubstr("size is 6, expected 7"));
  ASSERT_TRUE(RemoveTree(model.directory + "/a").ok());
  EXPECT_EQ(check().problem, "missing");
}

TEST(Checklist, Lines) {
  const auto sums = ParseChecklist(
      "900150983cd24fb0d6963f7d28e17f72  a.pth\r\n\n"
      "D41D8CD98F00B204E9800998ECF8427E *./b\n");
  ASSERT_TRUE(sums.ok()) << sums.status();
  EXPECT_THAT(*sums, ElementsAre(testing::Pair("a.pth", "900150983cd24fb0d6963f7d28e17f72"),
                                 testing::Pair("b", "d41d8cd98f00b204e9800998ecf8427e")));
  for (const char* text :
       {"abc a", "900150983cd24fb0d6963f7d28e17f72", "900150983cd24fb0d6963f7d28e17f72 ../a",
        "900150983cd24fb0d6963f7d28e17f72 a b"})
    EXPECT_EQ(ParseChecklist(text).status().code(), absl::StatusCode::kDataLoss) << text;
}

}  // namespace
}  // namespace cria::hub
