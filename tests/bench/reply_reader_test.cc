#include "bench/load/reply_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace larder::bench {
namespace {

using testing::HasSubstr;

class ReplyReaderTest : public testing::Test {
 protected:
  static constexpr size_t kRequestsMax = 8;

  void UseMeta(std::string_view value_sizes) {
    workload_ =
        std::make_unique<Workload>(WorkloadSpec{.key_count = 1000,
                                                .key_bytes = 12,
                                                .value_sizes = *ParseValueSizes(value_sizes),
                                                .meta_gets = true});
    reader_ = std::make_unique<ReplyReader>(*workload_, kRequestsMax);
    tally_ = std::make_unique<Tally>();
  }

  std::string MetaValue(uint32_t id) {
    const std::string_view value = workload_->values.Of(id);
    return absl::StrCat("VA ", value.size(), "\r\n", std::string(value), "\r\n");
  }

  void Use(std::string_view value_sizes, bool verify_whole_values = false) {
    workload_ =
        std::make_unique<Workload>(WorkloadSpec{.key_count = 1000,
                                                .key_bytes = 12,
                                                .value_sizes = *ParseValueSizes(value_sizes),
                                                .keys_per_get = 4,
                                                .verify_whole_values = verify_whole_values});
    reader_ = std::make_unique<ReplyReader>(*workload_, kRequestsMax);
    tally_ = std::make_unique<Tally>();
  }

  void ExpectGet(std::vector<uint32_t> ids, uint64_t start_ns = 0) {
    reader_->ExpectGet(ids, start_ns);
  }

  std::string Header(uint32_t id) {
    return absl::StrCat("VALUE ", workload_->key_format.Key(id), " 0 ",
                        workload_->values.Of(id).size(), "\r\n");
  }
  std::string Value(uint32_t id) {
    return absl::StrCat(Header(id), std::string(workload_->values.Of(id)), "\r\n");
  }

  // Gives `bytes` in pieces of `piece_bytes`, keeping what is not taken, as a connection does.
  absl::Status Feed(std::string_view bytes, size_t piece_bytes = 1 << 20, uint64_t now_ns = 0) {
    std::string held;
    while (!bytes.empty()) {
      held += bytes.substr(0, piece_bytes);
      bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
      const auto taken = reader_->Consume(held, now_ns, *tally_);
      if (!taken.ok()) return taken.status();
      held.erase(0, *taken);
      EXPECT_LT(held.size(), ReplyReader::kLineBytesMax);
    }
    EXPECT_EQ(held, "") << "left over";
    return absl::OkStatus();
  }

  std::string FailureOf(std::string_view bytes) { return std::string(Feed(bytes).message()); }

  std::unique_ptr<Workload> workload_;
  std::unique_ptr<ReplyReader> reader_;
  std::unique_ptr<Tally> tally_;
};

TEST_F(ReplyReaderTest, TakesRepliesToMetaGets) {
  for (const char* sizes : {"0", "100", "0-40", "5000"}) {
    for (const size_t piece_bytes : {1, 7, 1 << 20}) {
      UseMeta(sizes);
      ExpectGet({1});
      ExpectGet({2});
      reader_->ExpectSet(0);
      ExpectGet({3});
      const std::string replies = absl::StrCat(MetaValue(1), "EN\r\n", "STORED\r\n", MetaValue(3));
      ASSERT_TRUE(Feed(replies, piece_bytes).ok()) << sizes << " in pieces of " << piece_bytes;
      EXPECT_EQ(reader_->pending(), 0u);
      EXPECT_EQ(tally_->hits, 2u);
      EXPECT_EQ(tally_->misses, 1u);
      EXPECT_EQ(tally_->get_requests, 3u);
    }
  }
  UseMeta("5");
  ExpectGet({1});
  EXPECT_THAT(FailureOf("VA 4\r\nabcd\r\n"), HasSubstr("not a reply to a get"));
}

TEST_F(ReplyReaderTest, TakesRepliesHoweverTheyAreCut) {
  for (const char* sizes : {"0", "1", "100", "0-40", "5000"}) {
    for (const size_t piece_bytes : {1, 2, 3, 7, 20, 64, 1000, 1 << 20}) {
      Use(sizes);
      ExpectGet({1, 2, 3, 4});
      reader_->ExpectSet(0);
      ExpectGet({5, 6, 7, 8});
      ExpectGet({9});
      reader_->ExpectSet(0);
      // 5, 6 and 8 are missing, and so is 9.
      const std::string replies =
          absl::StrCat(Value(1), Value(2), Value(3), Value(4), "END\r\nSTORED\r\n", Value(7),
                       "END\r\nEND\r\n", "SERVER_ERROR out of memory storing object\r\n");
      ASSERT_TRUE(Feed(replies, piece_bytes).ok()) << sizes << " in pieces of " << piece_bytes;
      EXPECT_EQ(reader_->pending(), 0u);
      EXPECT_EQ(tally_->get_requests, 3u);
      EXPECT_EQ(tally_->set_requests, 2u);
      EXPECT_EQ(tally_->hits, 5u);
      EXPECT_EQ(tally_->misses, 4u);
      EXPECT_EQ(tally_->errors, 1u);
      EXPECT_EQ(tally_->first_error, "SERVER_ERROR out of memory storing object");
    }
  }
}

TEST_F(ReplyReaderTest, MeasuresEachRequestFromItsStart) {
  Use("10");
  ExpectGet({1}, 1000);
  ExpectGet({2}, 1500);
  reader_->ExpectSet(1100);
  ASSERT_TRUE(Feed(Value(1) + "END\r\n", 1 << 20, 1010).ok());
  ASSERT_TRUE(Feed(Value(2) + "END\r\nSTORED\r\n", 1 << 20, 1600).ok());
  EXPECT_EQ(tally_->get_latency.Min(), 10u);
  EXPECT_EQ(tally_->get_latency.Max(), 100u);
  EXPECT_EQ(tally_->set_latency.Min(), 500u);
  EXPECT_EQ(tally_->set_latency.Count(), 1u);
}

TEST_F(ReplyReaderTest, TakesAKeyThatWasAskedForTwice) {
  Use("10");
  ExpectGet({1, 1, 2, 1});
  ASSERT_TRUE(Feed(Value(1) + Value(1) + Value(2) + Value(1) + "END\r\n").ok());
  EXPECT_EQ(tally_->hits, 4u);
  ExpectGet({1, 3, 1, 2});
  ASSERT_TRUE(Feed(Value(3) + Value(2) + "END\r\n").ok());
  EXPECT_EQ(tally_->hits, 6u);
  EXPECT_EQ(tally_->misses, 2u);
}

TEST_F(ReplyReaderTest, EndsAGetThatTheServerGaveUp) {
  Use("10");
  ExpectGet({1, 2, 3, 4});
  ExpectGet({5});
  ASSERT_TRUE(Feed(Value(1) + "SERVER_ERROR out of memory\r\n" + Value(5) + "END\r\n").ok());
  EXPECT_EQ(tally_->hits, 2u);
  EXPECT_EQ(tally_->misses, 3u);
  EXPECT_EQ(tally_->errors, 1u);
}

TEST_F(ReplyReaderTest, NoticesWrongBytes) {
  for (const size_t place : {0, 1, 50, 98, 99}) {
    Use("100");
    ExpectGet({1});
    std::string reply = Value(1);
    reply[Header(1).size() + place] ^= 1;
    EXPECT_THAT(FailureOf(reply + "END\r\n"), HasSubstr("other bytes than were stored")) << place;
  }
}

TEST_F(ReplyReaderTest, NoticesAnotherItemsValue) {
  Use("100");
  ExpectGet({1});
  const std::string reply = Header(1) + std::string(workload_->values.Of(2)) + "\r\nEND\r\n";
  EXPECT_THAT(FailureOf(reply), HasSubstr("other bytes than were stored"));
}

TEST_F(ReplyReaderTest, SamplesLargeValuesUnlessTold) {
  constexpr size_t kMiddle = 5'000;
  for (const bool whole : {false, true}) {
    Use("10000", whole);
    ExpectGet({1});
    std::string reply = Value(1) + "END\r\n";
    reply[Header(1).size() + kMiddle] ^= 1;
    EXPECT_EQ(Feed(reply).ok(), !whole);

    for (const size_t place : {size_t{0}, size_t{9'999}}) {
      Use("10000", whole);
      ExpectGet({1});
      reply = Value(1) + "END\r\n";
      reply[Header(1).size() + place] ^= 1;
      EXPECT_FALSE(Feed(reply).ok()) << place;
    }

    Use("10000", whole);
    ExpectGet({1});
    reply = Value(1) + "END\r\n";
    reply.erase(Header(1).size() + kMiddle, 1);  // all behind is shifted
    EXPECT_FALSE(Feed(reply).ok());
  }
}

TEST_F(ReplyReaderTest, NoticesAnotherLength) {
  Use("100");
  ExpectGet({1});
  EXPECT_THAT(FailureOf("VALUE key-00000001 0 99\r\n"), HasSubstr("another length"));
  Use("100");
  ExpectGet({1});
  EXPECT_THAT(FailureOf("VALUE key-00000001 7 100\r\n"), HasSubstr("with flags"));
}

TEST_F(ReplyReaderTest, NoticesAKeyNobodyAskedFor) {
  Use("100");
  ExpectGet({1, 2});
  EXPECT_THAT(FailureOf(Value(3)), HasSubstr("not asked for: \"VALUE key-00000003"));
  Use("100");
  ExpectGet({1, 2});
  EXPECT_THAT(FailureOf(Value(2) + Value(1)), HasSubstr("not asked for"));
}

TEST_F(ReplyReaderTest, NoticesAMissingLineEnd) {
  Use("10");
  ExpectGet({1});
  EXPECT_THAT(FailureOf(Header(1) + std::string(workload_->values.Of(1)) + "xxEND\r\n"),
              HasSubstr("without its line end"));
}

TEST_F(ReplyReaderTest, NoticesOtherReplies) {
  Use("10");
  ExpectGet({1});
  EXPECT_THAT(FailureOf("STORED\r\n"), HasSubstr("not a reply to a get: \"STORED\""));
  Use("10");
  reader_->ExpectSet(0);
  EXPECT_THAT(FailureOf("END\r\n"), HasSubstr("not a reply to a set: \"END\""));
  Use("10");
  reader_->ExpectSet(0);
  EXPECT_THAT(FailureOf("ERROR\r\n"), HasSubstr("not a reply to a set: \"ERROR\""));
  Use("10");
  reader_->ExpectSet(0);
  EXPECT_THAT(FailureOf("STORED\n"), HasSubstr("\\n alone"));
  Use("10");
  EXPECT_THAT(FailureOf("STORED\r\n"), HasSubstr("no request asked for"));
}

TEST_F(ReplyReaderTest, GivesUpOnALineWithoutEnd) {
  Use("10");
  reader_->ExpectSet(0);
  EXPECT_THAT(FailureOf(std::string(ReplyReader::kLineBytesMax, 'x')),
              HasSubstr("a line without end"));
}

}  // namespace
}  // namespace larder::bench
