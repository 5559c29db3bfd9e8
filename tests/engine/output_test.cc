#include "server/engine/output.h"

#include <sys/uio.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

namespace larder {
namespace {

class OutputTest : public testing::Test {
 protected:
  // Pins a new large item of `bytes` times `letter`.
  ItemRef PinnedValue(char letter, size_t bytes) {
    const std::string name(1, letter);
    const Key key = store().MakeKey(name);
    EXPECT_EQ(store().Write(lane(), key, std::string(bytes, letter), {}, {1}).status,
              WriteStatus::kStored);
    ItemRef pinned;
    store().Read(lane(), key, {}, {1}, [&](const ItemView& item) { pinned = item.Pin(); });
    EXPECT_TRUE(pinned);
    return pinned;
  }

  // Everything, `step` bytes a send.
  static std::string SendAll(Output* out, size_t step) {
    std::string sent;
    while (!out->empty()) {
      std::array<iovec, 3> pieces;
      const size_t count = out->Gather(pieces);
      size_t bytes = 0;
      for (size_t i = 0; i < count && bytes < step; ++i) {
        const size_t n = std::min(pieces[i].iov_len, step - bytes);
        sent.append(static_cast<const char*>(pieces[i].iov_base), n);
        bytes += n;
      }
      EXPECT_GT(bytes, 0u);
      out->Sent(bytes);
    }
    return sent;
  }

  Store& store() { return harness_.store(); }
  Lane& lane() { return harness_.worker()->lane(); }

  EngineHarness harness_;
  OutputBlocks blocks_;
};

TEST_F(OutputTest, HoldsNothingWhenEmpty) {
  Output out(&blocks_);
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(out.full());
  std::array<iovec, 4> pieces;
  EXPECT_EQ(out.Gather(pieces), 0u);
  EXPECT_EQ(blocks_.count(), 0u);

  out.Append("abc");
  EXPECT_EQ(out.bytes(), 3u);
  EXPECT_EQ(blocks_.free_count(), 0u);
  out.Sent(3);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(blocks_.count(), 1u);
  EXPECT_EQ(blocks_.free_count(), 1u);
}

TEST_F(OutputTest, KeepsOrderOfCopiedAndPinned) {
  const std::string expected = "head" + std::string(5000, 'a') + std::string(6000, 'b') +
                               "between" + std::string(20000, 'c') + "tail";
  for (const size_t step : {1u, 3u, 1000u, 5004u, 100000u}) {
    Output out(&blocks_);
    out.Append("head");
    out.AppendPinned(PinnedValue('a', 5000), 5000);
    out.AppendPinned(PinnedValue('b', 6000), 6000);
    out.Append("between");
    out.AppendPinned(PinnedValue('c', 20000), 20000);
    out.Append("tail");
    EXPECT_EQ(out.bytes(), expected.size());
    EXPECT_EQ(out.pinned_bytes(), 31000u);
    EXPECT_EQ(SendAll(&out, step), expected) << step;
    EXPECT_EQ(blocks_.count(), blocks_.free_count());
  }
}

TEST_F(OutputTest, StartsWithAPinnedValue) {
  Output out(&blocks_);
  out.AppendPinned(PinnedValue('a', 5000), 5000);
  EXPECT_FALSE(out.empty());
  EXPECT_EQ(SendAll(&out, 999), std::string(5000, 'a'));
}

TEST_F(OutputTest, SendsTheChunksOfAChainedValue) {
  Settings settings;
  settings.item_bytes_max = 8 << 20;
  EngineHarness harness(settings);
  const Key key = harness.store().MakeKey("key");
  std::string value;
  while (value.size() < (5 << 20)) value += std::to_string(value.size());
  Lane& lane = harness.worker()->lane();
  ASSERT_EQ(harness.store().Write(lane, key, value, {}, {1}).status, WriteStatus::kStored);
  Output out(&blocks_);
  out.Append("<");
  harness.store().Read(lane, key, {}, {1}, [&](const ItemView& item) {
    out.AppendPinned(item.Pin(), item.value_bytes());
  });
  out.Append(">");
  EXPECT_EQ(SendAll(&out, 777777), "<" + value + ">");
}

TEST_F(OutputTest, CutsLongTextIntoBlocks) {
  std::string text;
  while (text.size() < 3 * kOutputBlockBytes) text += std::to_string(text.size());
  Output out(&blocks_);
  out.Append("x");
  out.Append(text);
  EXPECT_EQ(blocks_.count(), 4u);
  EXPECT_EQ(SendAll(&out, 5000), "x" + text);
}

TEST_F(OutputTest, RoomIsContiguousAndOnlyWhatIsCommittedCounts) {
  Output out(&blocks_);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    char* room = out.Room(Output::kRoomBytesMax / 3);
    std::memset(room, 'a' + i % 26, Output::kRoomBytesMax / 3);
    out.Commit(1000);
    expected += std::string(1000, static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(SendAll(&out, 100000), expected);
}

TEST_F(OutputTest, IsFullAtItsCaps) {
  Output copied(&blocks_);
  copied.Append(std::string(kOutputCopiedBytesMax - 1, 'x'));
  EXPECT_FALSE(copied.full());
  copied.Append("x");
  EXPECT_TRUE(copied.full());
  copied.Sent(1);
  EXPECT_FALSE(copied.full());

  Output pinned(&blocks_);
  for (size_t bytes = 0; bytes < kOutputPinnedBytesMax; bytes += 1 << 18) {
    EXPECT_FALSE(pinned.full());
    pinned.AppendPinned(PinnedValue('p', 1 << 18), 1 << 18);
  }
  EXPECT_TRUE(pinned.full());
}

TEST_F(OutputTest, SendsInOrderWhileNeverEmpty) {
  Output out(&blocks_);
  std::string expected, sent;
  for (int i = 0; i < 1000; ++i) {
    const char letter = static_cast<char>('a' + i % 26);
    out.AppendPinned(PinnedValue(letter, 5000), 5000);
    expected += std::string(5000, letter);
    if (i == 0) continue;
    // Always leaves the last one.
    std::array<iovec, 1> piece;
    ASSERT_EQ(out.Gather(piece), 1u);
    sent.append(static_cast<const char*>(piece[0].iov_base), piece[0].iov_len);
    out.Sent(piece[0].iov_len);
  }
  sent += SendAll(&out, 1 << 20);
  EXPECT_EQ(sent, expected);
}

TEST_F(OutputTest, ClearUnpins) {
  Output out(&blocks_);
  out.Append("head");
  out.AppendPinned(PinnedValue('a', 5000), 5000);
  out.Clear();
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(blocks_.count(), blocks_.free_count());
  // The harness checks that nothing is pinned.
}

TEST_F(OutputTest, BlocksBeyondABurstGoBackToTheSystem) {
  Output out(&blocks_);
  out.Append(std::string(200 * kOutputBlockBytes, 'x'));
  EXPECT_GE(blocks_.count(), 200u);
  out.Clear();
  EXPECT_LT(blocks_.count(), 100u);
  EXPECT_EQ(blocks_.count(), blocks_.free_count());
}

// Whatever is settled stays, whatever is behind it goes: bytes, blocks and pins.
TEST_F(OutputTest, TakesBackWhatIsNotSettled) {
  const std::string longer(3 * kOutputBlockBytes, 'b');
  for (const size_t settled_bytes : {size_t{0}, size_t{1}, size_t{1000}, 2 * kOutputBlockBytes}) {
    for (const bool pin_before : {false, true}) {
      SCOPED_TRACE(testing::Message() << settled_bytes << (pin_before ? " and a pin" : ""));
      Output out(&blocks_);
      std::string expected(settled_bytes, 'a');
      out.Append(expected);
      if (pin_before) {
        out.AppendPinned(PinnedValue('p', 5000), 5000);
        expected += std::string(5000, 'p');
      }
      out.Settle();
      out.Append(longer);
      out.AppendPinned(PinnedValue('q', 6000), 6000);
      out.Append(longer);
      out.TakeBack();
      EXPECT_EQ(out.bytes(), expected.size());
      out.Append("end");
      EXPECT_EQ(SendAll(&out, 4096), expected + "end");
      EXPECT_EQ(blocks_.count(), blocks_.free_count());
    }
  }
}

// Positions are counted from when the output was empty, and what was sent stays counted.
TEST_F(OutputTest, TakesBackAfterAPartWasSent) {
  Output out(&blocks_);
  out.Append(std::string(2 * kOutputBlockBytes, 'a'));
  out.Sent(kOutputBlockBytes + 7);
  out.Settle();
  out.Append("lost");
  out.TakeBack();
  EXPECT_EQ(SendAll(&out, 1 << 20), std::string(kOutputBlockBytes - 7, 'a'));
}

}  // namespace
}  // namespace larder
