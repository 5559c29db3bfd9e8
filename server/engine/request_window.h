#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/base64.h"
#include "protocol/binary_parser.h"
#include "protocol/request.h"
#include "protocol/text_parser.h"
#include "slab/store_types.h"

// The requests that a session has read ahead and not yet executed. It lives in the worker, for only
// one session of a worker runs at a time and none leaves anything in it.

namespace larder {

struct RequestWindow {
  // Enough for the memory's latency to be spent on all keys at once; more gained nothing.
  static constexpr size_t kSlots = 32;

  enum class Kind : uint8_t {
    kRequest,   // `request`, and of a storage command the whole `body`
    kArriving,  // a storage command whose value goes straight into its item
    // The reply is that to `error`, in binary to `refusal`, and `swallow_bytes` of the stream are
    // dropped.
    kError,
  };

  struct Slot {
    // Where in the input the request starts, and the parser as it was there: to go back to when the
    // output is full.
    size_t begin;
    TextParser parser;
    Kind kind;
    TextError error;
    BinaryRefusal refusal;
    uint32_t swallow_bytes;
    Request request;
    Key key;                // of `request`; empty if it has none
    std::string_view body;  // value and, in text, line end, in the input
  };

  std::array<Slot, kSlots> slots;
  // A bit for every slot whose key RequestSampler wants.
  uint32_t sampled = 0;
  static_assert(kSlots <= 32);
  void Sample(const Slot& slot) { sampled |= 1u << (&slot - slots.data()); }
  // Where the key of the slot of the same number is decoded to, if a meta command sent it in
  // base64.
  std::array<std::array<char, Base64DecodedBytesMax(kRequestKeyBytesMax)>, kSlots> decoded_keys;
};

}  // namespace larder
