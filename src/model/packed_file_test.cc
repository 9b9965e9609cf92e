#include "model/packed_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "model/model.h"

namespace cria::model {
namespace {

namespace fs = std::filesystem;

class PackedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / ("packed_file_test." + std::to_string(getpid()));
    fs::remove_all(directory_);
    fs::copy("tests/data/stories260k", directory_);
    path_ = directory_ / "model.packed";
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::shared_ptr<const Model> Load(const std::string& packed_path) {
    auto checkpoint = checkpoint::Checkpoint::Open(directory_);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    ModelOptions options;
    options.packed_path = packed_path;
    auto model = Model::Load(*checkpoint, options, pool_);
    EXPECT_TRUE(model.ok()) << model.status();
    return *model;
  }
  std::shared_ptr<const Model> Load() { return Load(path_); }

  std::vector<float> Logits(const Model& model) {
    KvCache cache(model.kv_layout(), 16);
    Workspace workspace;
    const std::vector<int32_t> tokens = {1, 403, 407, 261};
    const SequenceStep step{&cache, tokens, LogitsWanted::kAll};
    auto logits = model.Forward({&step, 1}, workspace, pool_);
    EXPECT_TRUE(logits.ok()) << logits.status();
    return {logits->data, logits->data + logits->rows * logits->vocab};
  }

  absl::Status Opened() {
    auto checkpoint = checkpoint::Checkpoint::Open(directory_);
    EXPECT_TRUE(checkpoint.ok());
    return PackedFile::Open(path_, Fingerprint(**checkpoint), pool_).status();
  }

  std::string Content() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // As a new file: the old one may be mapped.
  void Replace(const std::string& content) {
    fs::remove(path_);
    std::ofstream(path_, std::ios::binary) << content;
  }

  fs::path directory_, path_;
  base::ThreadPool pool_{2, /*pin=*/false};
};

TEST_F(PackedFileTest, ALaterLoadMapsWhatTheFirstHasPacked) {
  const auto first = Load();
  EXPECT_TRUE(first->packed_file_status().ok()) << first->packed_file_status();
  EXPECT_TRUE(Opened().ok()) << Opened();
  EXPECT_FALSE(fs::exists(path_.string() + ".partial"));
  const auto written = fs::last_write_time(path_);
  const auto second = Load();
  EXPECT_EQ(fs::last_write_time(path_), written);
  EXPECT_EQ(Logits(*second), Logits(*first));
  EXPECT_EQ(Logits(*first), Logits(*Load("")));
  EXPECT_NE(second->head().weights().data, first->head().weights().data);
}

TEST_F(PackedFileTest, OfAnotherModelIsPackedAnew) {
  Load();
  fs::last_write_time(directory_ / "model.safetensors", fs::file_time_type::clock::now());
  EXPECT_EQ(Opened().code(), absl::StatusCode::kFailedPrecondition) << Opened();
  Load();
  EXPECT_TRUE(Opened().ok()) << Opened();
}

TEST_F(PackedFileTest, DamageIsFoundAndMended) {
  const std::vector<float> logits = Logits(*Load());
  const std::string good = Content();
  ASSERT_GT(good.size(), 4096u);
  std::vector<size_t> places = {good.size() - 1, good.size() / 2, 4096};
  for (size_t i = 0; i < 512; i += 3) places.push_back(i);  // the header and the first records
  for (const size_t at : places) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    Replace(bad);
    EXPECT_FALSE(Opened().ok()) << "byte " << at;
  }
  for (const size_t size : {size_t{0}, size_t{39}, size_t{100}, good.size() - 1}) {
    Replace(good.substr(0, size));
    EXPECT_FALSE(Opened().ok()) << size << " bytes";
  }
  EXPECT_EQ(Logits(*Load()), logits);
  EXPECT_EQ(Content(), good);
}

TEST_F(PackedFileTest, WhereNobodyMayWriteTheModelRunsAnyway) {
  const auto model = Load(directory_ / "no/such/directory/model.packed");
  EXPECT_FALSE(model->packed_file_status().ok());
  EXPECT_EQ(Logits(*model), Logits(*Load("")));
}

TEST_F(PackedFileTest, OneWriterAtATime) {
  const auto writer = base::AtomicFile::Create(path_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_EQ(Load()->packed_file_status().code(), absl::StatusCode::kAborted);
  EXPECT_FALSE(fs::exists(path_));
  ASSERT_TRUE((*writer)->Commit().ok());
  EXPECT_TRUE(fs::exists(path_));  // empty, so it is replaced
  EXPECT_TRUE(Load()->packed_file_status().ok());
  EXPECT_TRUE(Opened().ok()) << Opened();
}

}  // namespace
}  // namespace cria::model
