#pragma once

#include <cstddef>
#include <cstdint>

// The binary protocol's words. A request, and a reply to it, is a header of 24 bytes and a body;
// all numbers are big-endian:
//
//   byte 0   magic: 0x80 of a request, 0x81 of a reply
//        1   opcode; a reply has its request's
//        2-3 bytes of the key
//        4   bytes of the extras
//        5   data type: 0, and not looked at in requests
//        6-7 of a reply: status; of a request: not looked at
//       8-11 bytes of the body: extras, key and value, in this order
//      12-15 opaque: a reply has its request's
//      16-23 CAS token: of a request, the one that the item must have, or 0; of a reply, the item's

namespace larder {

inline constexpr size_t kBinaryHeaderBytes = 24;
inline constexpr uint8_t kBinaryRequestMagic = 0x80;
inline constexpr uint8_t kBinaryReplyMagic = 0x81;

// The longest extras and key that a header can announce, with the header: what must be at hand
// before a request can be judged.
inline constexpr size_t kBinaryPrefixBytesMax = kBinaryHeaderBytes + UINT8_MAX + UINT16_MAX;

// A name of a mechanism for authentication has at most this many bytes.
inline constexpr size_t kSaslMechanismBytesMax = 32;

enum class BinaryOpcode : uint8_t {
  kGet = 0x00,
  kSet = 0x01,
  kAdd = 0x02,
  kReplace = 0x03,
  kDelete = 0x04,
  kIncrement = 0x05,
  kDecrement = 0x06,
  kQuit = 0x07,
  kFlush = 0x08,
  kGetQuietly = 0x09,
  kNoop = 0x0a,
  kVersion = 0x0b,
  kGetKey = 0x0c,
  kGetKeyQuietly = 0x0d,
  kAppend = 0x0e,
  kPrepend = 0x0f,
  kStat = 0x10,
  kSetQuietly = 0x11,
  kAddQuietly = 0x12,
  kReplaceQuietly = 0x13,
  kDeleteQuietly = 0x14,
  kIncrementQuietly = 0x15,
  kDecrementQuietly = 0x16,
  kQuitQuietly = 0x17,
  kFlushQuietly = 0x18,
  kAppendQuietly = 0x19,
  kPrependQuietly = 0x1a,
  kTouch = 0x1c,
  kGetAndTouch = 0x1d,
  kGetAndTouchQuietly = 0x1e,
  kSaslList = 0x20,
  kSaslAuth = 0x21,
  kSaslStep = 0x22,
  kGetAndTouchKey = 0x23,
  kGetAndTouchKeyQuietly = 0x24,
};

enum class BinaryStatus : uint16_t {
  kOk = 0x00,
  kNotFound = 0x01,
  kExists = 0x02,
  kTooLarge = 0x03,
  kInvalidArguments = 0x04,
  kNotStored = 0x05,
  kNotNumber = 0x06,
  kAuthError = 0x20,
  kAuthContinue = 0x21,
  kUnknownCommand = 0x81,
  kNoMemory = 0x82,
};

}  // namespace larder
