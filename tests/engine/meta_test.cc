#include <string>

#include "gtest/gtest.h"
#include "tests/engine/session_harness.h"

// The meta commands, said to a session. What lines are refused, and with which words, is in
// tests/protocol/meta_parser_test.cc.

namespace larder {
namespace {

class MetaTest : public testing::Test {
 protected:
  explicit MetaTest(const Settings& settings = {}) : harness_(settings) {}

  std::string Send(const std::string& bytes) { return client_.Send(bytes); }
  void Set(const std::string& key, const std::string& value, const std::string& flags = "") {
    ASSERT_EQ(
        Send("ms " + key + " " + std::to_string(value.size()) + flags + "\r\n" + value + "\r\n"),
        "HD\r\n");
  }
  // What `mg key c` tells.
  std::string Token(const std::string& key) {
    const std::string reply = Send("mg " + key + " c u\r\n");
    const size_t at = reply.find(" c");
    if (at == std::string::npos) return "none";
    return reply.substr(at + 2, reply.find_first_of(" \r", at + 2) - at - 2);
  }
  std::string Stat(const std::string& name) { return StatOf(client_.Send("stats\r\n"), name); }

  EngineHarness harness_;
  Client client_{&harness_};
};

class MetaWithoutCasTest : public MetaTest {
 protected:
  static Settings WithoutCas() {
    Settings settings;
    settings.cas = false;
    return settings;
  }
  MetaWithoutCasTest() : MetaTest(WithoutCas()) {}
};

TEST_F(MetaTest, GetTellsWhatIsAskedInTheOrderAsked) {
  Set("k", "abc", " F5 T30 E7");
  EXPECT_EQ(Send("mg k\r\n"), "HD\r\n");
  EXPECT_EQ(Send("mg k v\r\n"), "VA 3\r\nabc\r\n");
  EXPECT_EQ(Send("mg k k v Oq1 s t c f\r\n"), "VA 3 kk Oq1 s3 t30 c7 f5\r\nabc\r\n");
  EXPECT_EQ(Send("mg k f c t s Oq1 k\r\n"), "HD f5 c7 t30 s3 Oq1 kk\r\n");
  Set("empty", "");
  EXPECT_EQ(Send("mg empty v f t s\r\n"), "VA 0 f0 t-1 s0\r\n\r\n");
}

TEST_F(MetaTest, AMissRepeatsOpaqueAndKey) {
  EXPECT_EQ(Send("mg k v\r\n"), "EN\r\n");
  EXPECT_EQ(Send("mg k v s Oq1 t k c\r\n"), "EN Oq1 kk\r\n");
  EXPECT_EQ(Send("mg k v q Oq1 k\r\nmn\r\n"), "MN\r\n");
}

TEST_F(MetaTest, AQuietGetTellsOfHits) {
  Set("k", "v");
  EXPECT_EQ(Send("mg k v q\r\nmg nope v q\r\nmn\r\n"), "VA 1\r\nv\r\nMN\r\n");
}

TEST_F(MetaTest, GetsAreRemembered) {
  Set("k", "v");
  EXPECT_EQ(Send("mg k h l t u\r\n"), "HD h0 l0 t-1\r\n") << "u leaves no mark";
  harness_.Advance(10);
  EXPECT_EQ(Send("mg k h l\r\n"), "HD h0 l10\r\n");
  EXPECT_EQ(Send("mg k h l\r\n"), "HD h1 l0\r\n");
}

TEST_F(MetaTest, GetTouches) {
  Set("k", "v", " T100");
  EXPECT_EQ(Send("mg k t T30\r\n"), "HD t100\r\n");
  EXPECT_EQ(Send("mg k T40 t\r\n"), "HD t40\r\n");
  EXPECT_EQ(Stat("touch_hits"), "2");
  EXPECT_EQ(Stat("get_hits"), "0");
  EXPECT_EQ(Send("mg k T-1\r\nmg k\r\n"), "HD\r\nEN\r\n");
  EXPECT_EQ(Send("mg nope T30\r\n"), "EN\r\n");
  EXPECT_EQ(Stat("get_misses"), "2") << "a miss is a get's in any case";
  EXPECT_EQ(Stat("touch_misses"), "0");
}

TEST_F(MetaTest, AClientThatHasTheValueIsSparedIt) {
  Set("k", "abc", " E7");
  EXPECT_EQ(Send("mg k v C7 s\r\n"), "HD s3\r\n");
  EXPECT_EQ(Send("mg k v C8 s\r\n"), "VA 3 s3\r\nabc\r\n");
  EXPECT_EQ(Send("mg k C8\r\n"), "HD\r\n");
}

TEST_F(MetaTest, AMissIsMadeAndWon) {
  EXPECT_EQ(Send("mg k s c v N30 t E9\r\n"), "VA 0 s0 c9 t30 W\r\n\r\n");
  EXPECT_EQ(Send("mg k s v N30 t\r\n"), "VA 0 s0 t30 Z\r\n\r\n");
  EXPECT_EQ(Send("get k\r\n"), "VALUE k 0 0\r\n\r\nEND\r\n");
  Set("k", "new");
  EXPECT_EQ(Send("mg k v N30\r\n"), "VA 3\r\nnew\r\n");
  harness_.Advance(30);
  EXPECT_EQ(Send("mg other q N30\r\n"), "HD W\r\n") << "which is no miss";
}

TEST_F(MetaTest, WhichTimeAMadeItemHas) {
  EXPECT_EQ(Send("mg a t N30\r\nmg a t\r\n"), "HD t-1 W\r\nHD t30 Z\r\n");
  EXPECT_EQ(Send("mg b T50 t N30\r\nmg b t\r\n"), "HD t50 W\r\nHD t30 Z\r\n");
  EXPECT_EQ(Send("mg c N30 t T50\r\nmg c t\r\n"), "HD t30 W\r\nHD t50 Z\r\n");
  EXPECT_EQ(Send("mg d N30 T50 t\r\nmg d t\r\n"), "HD t50 W\r\nHD t50 Z\r\n");
}

TEST_F(MetaTest, OneReaderWinsWhatIsAboutToExpire) {
  Set("k", "v", " T20");
  EXPECT_EQ(Send("mg k R20\r\n"), "HD\r\n");
  EXPECT_EQ(Send("mg k R21 t\r\n"), "HD t20 W\r\n");
  EXPECT_EQ(Send("mg k R21 t\r\n"), "HD t20 Z\r\n");
  EXPECT_EQ(Send("mg k\r\n"), "HD Z\r\n");
  Set("k", "v", " T20");
  EXPECT_EQ(Send("mg k R30 T100\r\n"), "HD W\r\n") << "judged before it is touched";
  Set("k", "v", " T20");
  EXPECT_EQ(Send("mg k T100 R30\r\n"), "HD\r\n") << "and after";
  Set("never", "v");
  EXPECT_EQ(Send("mg never R1000\r\n"), "HD\r\n");
}

TEST_F(MetaTest, OneReaderWinsWhatIsStale) {
  Set("k", "v", " E5");
  EXPECT_EQ(Send("md k I T30 E6\r\n"), "HD\r\n");
  EXPECT_EQ(Send("me k\r\n").substr(0, 19), "ME k exp=30 la=0 ca") << "me wins nothing";
  EXPECT_EQ(Send("get k\r\n"), "VALUE k 0 1\r\nv\r\nEND\r\n") << "nor does a get";
  EXPECT_EQ(Send("mg k v t c\r\n"), "VA 1 t30 c6 X W\r\nv\r\n");
  EXPECT_EQ(Send("mg k v\r\n"), "VA 1 Z X\r\nv\r\n");
  // Too late, but better than nothing.
  EXPECT_EQ(Send("ms k 3 C5 I T90 c\r\nold\r\n").substr(0, 4), "HD c");
  EXPECT_EQ(Send("mg k v t\r\n"), "VA 3 t30 Z X\r\nold\r\n") << "time and win stay";
  EXPECT_EQ(Send("ms k 3 C" + Token("k") + "\r\nnew\r\n"), "HD\r\n");
  EXPECT_EQ(Send("mg k v t\r\n"), "VA 3 t-1\r\nnew\r\n");
}

TEST_F(MetaTest, KeysInBase64) {
  EXPECT_EQ(Send("ms AP8gAA== 2 b k c E3\r\nhi\r\n"), "HD kAP8gAA== b c3\r\n");
  EXPECT_EQ(Send("mg AP8gAA== b k v\r\n"), "VA 2 kAP8gAA== b\r\nhi\r\n");
  EXPECT_EQ(Send("mg AP8gAA== k\r\n"), "EN kAP8gAA==\r\n") << "another key";
  EXPECT_EQ(Send("mg AP8gAQ== b k Oq\r\n"), "EN kAP8gAQ== b Oq\r\n");
  EXPECT_EQ(Send("mg A!P8gAA== b k\r\n"), "HD kAP8gAA== b\r\n") << "echoed in its proper form";
  EXPECT_EQ(Send("ms Zm9v 1 b\r\nv\r\nmg foo k\r\n"), "HD\r\nHD kZm9v b\r\n")
      << "the item knows how it was named";
  EXPECT_EQ(Send("md AP8gAA== b k\r\nmd AP8gAA== b k\r\n"), "HD kAP8gAA== b\r\nNF kAP8gAA== b\r\n");
  EXPECT_EQ(Send("ma bnVt b N0 k\r\nma num v\r\n"), "HD kbnVt b\r\nVA 1\r\n1\r\n");
  EXPECT_EQ(Send("mg num k\r\n"), "HD knum\r\n") << "but not if ma or mg made it";
  EXPECT_EQ(Send("me Zm9v b\r\n").substr(0, 8), "ME Zm9v ");
}

TEST_F(MetaTest, ManyBase64KeysInOneWindow) {
  std::string sets;
  std::string gets;
  std::string replies;
  for (int i = 0; i < 64; ++i) {
    const std::string key = "QUJ" + std::string(1, static_cast<char>(i < 26   ? 'A' + i
                                                                     : i < 52 ? 'a' + i - 26
                                                                     : i < 62 ? '0' + i - 52
                                                                     : i < 63 ? '+'
                                                                              : '/'));
    sets += "ms " + key + " 4 b q\r\n" + key + "\r\n";
    gets += "mg " + key + " b k v\r\n";
    replies += "VA 4 k" + key + " b\r\n" + key + "\r\n";
  }
  EXPECT_EQ(Send(sets), "");
  EXPECT_EQ(Send(gets), replies);
}

TEST_F(MetaTest, SetModes) {
  EXPECT_EQ(Send("ms k 1 MR k\r\na\r\n"), "NS kk\r\n");
  EXPECT_EQ(Send("ms k 1 MA s\r\na\r\n"), "NS s1\r\n");
  EXPECT_EQ(Send("ms k 1 ME\r\na\r\n"), "HD\r\n");
  EXPECT_EQ(Send("ms k 1 ME c\r\nb\r\n"), "NS c0\r\n");
  EXPECT_EQ(Send("ms k 2 MA s\r\nbc\r\n"), "HD s3\r\n");
  EXPECT_EQ(Send("ms k 2 MP s\r\nyz\r\n"), "HD s5\r\n");
  EXPECT_EQ(Send("mg k v\r\n"), "VA 5\r\nyzabc\r\n");
  EXPECT_EQ(Send("ms k 1 MR F3 T9\r\nr\r\nmg k v f t\r\n"), "HD\r\nVA 1 f3 t9\r\nr\r\n");
  EXPECT_EQ(Send("ms made 1 MA N30 F2 s\r\nx\r\nmg made v f t\r\n"),
            "HD s1\r\nVA 1 f2 t30\r\nx\r\n");
  EXPECT_EQ(Send("ms made 1 MP N90\r\nw\r\nmg made v f t\r\n"), "HD\r\nVA 2 f2 t30\r\nwx\r\n");
}

TEST_F(MetaTest, SetComparesTokens) {
  EXPECT_EQ(Send("ms k 1 C5\r\na\r\n"), "NF\r\n");
  Set("k", "a", " E5");
  EXPECT_EQ(Send("ms k 1 C4 s c\r\nb\r\n"), "EX s1 c0\r\n");
  EXPECT_EQ(Send("ms k 1 C5 c E6\r\nb\r\n"), "HD c6\r\n");
  EXPECT_EQ(Send("ms k 1 C6 MR c E7\r\nc\r\n"), "HD c7\r\n");
  EXPECT_EQ(Send("ms k 1 C6 MA\r\nd\r\n"), "EX\r\n");
  EXPECT_EQ(Send("ms k 1 C7 MA\r\nd\r\n"), "HD\r\n");
  EXPECT_EQ(Send("ms k 1 C0\r\nx\r\n"), "EX\r\n");
  EXPECT_EQ(Send("mg k v\r\n"), "VA 2\r\ncd\r\n");
  EXPECT_EQ(Stat("cas_hits"), "2");
  EXPECT_EQ(Stat("cas_badval"), "2");
  EXPECT_EQ(Stat("cas_misses"), "1");
}

TEST_F(MetaTest, AQuietSetTellsOfFailures) {
  EXPECT_EQ(Send("ms k 1 q k\r\na\r\nms k 1 q ME k\r\nb\r\nms nope 1 q C1\r\nb\r\n"),
            "NS kk\r\nNF\r\n");
  EXPECT_EQ(Send("ms k 1 q\r\nabcmn\r\n"), "CLIENT_ERROR bad data chunk\r\nMN\r\n");
  EXPECT_EQ(Send("ms k 2000000 q\r\n" + std::string(2'000'000, 'x') + "\r\nmg k\r\n"),
            "SERVER_ERROR object too large for cache\r\nEN\r\n")
      << "what is too large drops the old item";
}

TEST_F(MetaTest, TheValueOfARefusedSetIsDropped) {
  EXPECT_EQ(Send("ms k 5 v v\r\nmn\r\nx\r\nmn\r\n"), "CLIENT_ERROR duplicate flag\r\nMN\r\n");
  EXPECT_EQ(Send("ms k 3\r\nabcd\r\n"),
            "CLIENT_ERROR bad data chunk\r\nCLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Stat("cmd_set"), "1");
}

TEST_F(MetaTest, LargeValues) {
  // Waited for; received into the item; sent from where it lies.
  for (const size_t bytes : {5'000, 100'000}) {
    const std::string value(bytes, 'v');
    const std::string length = std::to_string(bytes);
    for (const size_t cut : {size_t{0}, size_t{1'000}}) {
      Client client(&harness_, {.cut_bytes = cut});
      EXPECT_EQ(client.Send("ms k " + length + " Oq1 k c s E9 F3\r\n" + value + "\r\n"),
                "HD Oq1 kk c9 s" + length + "\r\n");
      EXPECT_EQ(client.Send("mg k v s f\r\nmn\r\n"),
                "VA " + length + " s" + length + " f3\r\n" + value + "\r\nMN\r\n");
      EXPECT_EQ(client.Send("mg k s h\r\n"), "HD s" + length + " h1\r\n");
      EXPECT_EQ(client.Send("ms AP8gAA== " + length + " b k ME Oq\r\n" + value + "\r\n"),
                "HD kAP8gAA== b Oq\r\n");
      EXPECT_EQ(client.Send("mg AP8gAA== b k\r\nmd AP8gAA== b\r\n"), "HD kAP8gAA== b\r\nHD\r\n");
      EXPECT_EQ(client.Send("ms k " + length + " q C1\r\n" + value + "\r\n"), "EX\r\n");
      EXPECT_EQ(client.Send("ms k " + length + " q\r\n" + value + "xx"),
                "CLIENT_ERROR bad data chunk\r\n");
    }
  }
}

TEST_F(MetaTest, Delete) {
  EXPECT_EQ(Send("md k Oq k\r\n"), "NF Oq kk\r\n");
  Set("k", "v", " E5");
  EXPECT_EQ(Send("md k C4 k Oq\r\n"), "EX kk Oq\r\n");
  EXPECT_EQ(Send("md k C5 k Oq\r\nmg k\r\n"), "HD kk Oq\r\nEN\r\n");
  EXPECT_EQ(Stat("delete_hits"), "1");
  EXPECT_EQ(Stat("delete_misses"), "2");
  Set("k", "v", " E5");
  EXPECT_EQ(Send("md k q C4\r\nmd k q k\r\nmd k q\r\n"), "EX\r\nNF\r\n") << "only success is quiet";
}

TEST_F(MetaTest, DeleteMayLeaveAStaleOrAnEmptyItem) {
  Set("k", "v", " T30 F3");
  EXPECT_EQ(Send("md k I q\r\nmg k v t f\r\n"), "VA 1 t30 f3 X W\r\nv\r\n");
  EXPECT_EQ(Send("md k I T90\r\nmg k t\r\n"), "HD\r\nHD t90 X W\r\n") << "winnable again";
  EXPECT_EQ(Stat("delete_hits"), "0");
  EXPECT_EQ(Send("md k x\r\nmg k v t f\r\n"), "HD\r\nVA 0 t-1 f0\r\n\r\n");
  EXPECT_EQ(Stat("delete_hits"), "1");
  Set("k", "v");
  EXPECT_EQ(Send("md k x I T20 F4 E8\r\nmg k v t f c\r\n"), "HD\r\nVA 0 t20 f4 c8 X W\r\n\r\n");
}

TEST_F(MetaTest, Arithmetic) {
  EXPECT_EQ(Send("ma n k v Oq\r\n"), "NF kn Oq\r\n");
  Set("n", "10");
  EXPECT_EQ(Send("ma n\r\nma n v\r\n"), "HD\r\nVA 2\r\n12\r\n");
  EXPECT_EQ(Send("ma n v D5\r\nma n v MD D7\r\nma n M- D100 v\r\n"),
            "VA 2\r\n17\r\nVA 2\r\n10\r\nVA 1\r\n0\r\n");
  EXPECT_EQ(Send("ma n v k Oq c t E7 D3\r\n"), "VA 1 kn Oq c7 t-1\r\n3\r\n");
  EXPECT_EQ(Send("ma n C6\r\nma n C7 v\r\n"), "EX\r\nVA 1\r\n4\r\n");
  EXPECT_EQ(Send("ma n q v\r\nma nope q Oq\r\n"), "NF Oq\r\n") << "only success is quiet";
  EXPECT_EQ(Send("ma n t T30\r\nma n T40 t\r\n"), "HD t-1\r\nHD t40\r\n");
  Set("word", "x");
  EXPECT_EQ(Send("ma word q\r\n"),
            "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  EXPECT_EQ(Stat("incr_hits"), "8");
  EXPECT_EQ(Stat("decr_hits"), "2");
  EXPECT_EQ(Stat("incr_misses"), "2");
}

TEST_F(MetaTest, ArithmeticMakesItsNumber) {
  EXPECT_EQ(Send("ma n N30 J13 v t\r\n"), "VA 2 t30\r\n13\r\n");
  EXPECT_EQ(Send("ma n N90 J13 v t\r\n"), "VA 2 t30\r\n14\r\n");
  EXPECT_EQ(Send("ma a t N30\r\nmg a t v\r\n"), "HD t-1\r\nVA 1 t30\r\n0\r\n");
  EXPECT_EQ(Send("ma b N30 t T50 c E4\r\nmg b t\r\n"), "HD t30 c4\r\nHD t50\r\n");
  EXPECT_EQ(Send("ma c N30 q\r\nmg c\r\n"), "HD\r\n");
  EXPECT_EQ(Stat("incr_misses"), "0");
}

TEST_F(MetaTest, Debug) {
  EXPECT_EQ(Send("me k\r\n"), "EN\r\n");
  Set("k", "abc", " T30 E9");
  harness_.Advance(4);
  const std::string line = Send("me k\r\n");
  EXPECT_EQ(line.substr(0, line.find(" cls=")), "ME k exp=26 la=4 cas=9 fetch=no");
  EXPECT_NE(line.find(" size="), std::string::npos);
  EXPECT_TRUE(line.ends_with("\r\n"));
  EXPECT_EQ(Send("mg k h u\r\n"), "HD h0\r\n") << "me leaves no mark";
  Set("never", "v");
  EXPECT_EQ(Send("me never\r\n").substr(0, 15), "ME never exp=-1");
  EXPECT_EQ(Stat("cmd_meta"), "3");
}

TEST_F(MetaTest, OneStreamHoweverItIsCut) {
  const std::string stream =
      "ms a 3 c E5\r\nabc\r\nmg a v k c\r\nma n N0 v\r\nms Zm9v 4 b k\r\nxyzt\r\nmd a q\r\nmg a "
      "k\r\n"
      "ms b 2 v v\r\nzz\r\nme none\r\nmn\r\n";
  const std::string replies =
      "HD c5\r\nVA 3 ka c5\r\nabc\r\nVA 1\r\n0\r\nHD kZm9v b\r\nEN ka\r\n"
      "CLIENT_ERROR duplicate flag\r\nEN\r\nMN\r\n";
  for (const size_t cut : {0, 1, 2, 7, 31}) {
    EngineHarness harness;
    Client client(&harness, {.cut_bytes = cut});
    EXPECT_EQ(client.Send(stream), replies) << cut;
  }
}

// The window is forgotten and read again, decoded keys and all.
TEST_F(MetaTest, WhenTheOutputIsFull) {
  Set("Zm9v", std::string(100'000, 'v'), " b");
  std::string gets;
  for (int i = 0; i < 30; ++i) gets += "mg Zm9v b k s v\r\n";
  EXPECT_EQ(Send(gets).size(),
            30 * (std::string("VA 100000 kZm9v b s100000\r\n\r\n").size() + 100'000));
  EXPECT_GT(client_.flushes(), 0);
}

TEST_F(MetaWithoutCasTest, TokensAreZeroAndMatchNone) {
  EXPECT_EQ(Send("ms k 1 c E7\r\na\r\nmg k c\r\nma n N0 c E7\r\n"), "HD c0\r\nHD c0\r\nHD c0\r\n");
  EXPECT_EQ(Send("ms k 1 C7\r\nb\r\nms k 1 C0\r\nb\r\n"), "EX\r\nEX\r\n");
  EXPECT_EQ(Send("ma n C7\r\nma n C0\r\n"), "EX\r\nHD\r\n");
  EXPECT_EQ(Send("md k C7\r\nmd k C0\r\n"), "EX\r\nHD\r\n");
}

}  // namespace
}  // namespace larder
