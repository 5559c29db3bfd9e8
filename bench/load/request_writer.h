#pragma once

#include <cstdint>
#include <span>

#include "bench/load/send_buffer.h"
#include "bench/load/workload.h"

namespace larder::bench {

// Values up to here are copied behind their command line, larger ones are sent from where they lie:
// below, a second piece in the system call costs more than the copy.
inline constexpr uint32_t kCopiedValueBytesMax = 4096;

// Appends "get KEY ...\r\n", or "mg KEY v\r\n" if the workload wants meta gets, which have one key.
void AppendGet(const Workload& workload, std::span<const uint32_t> ids, SendBuffer& out);

// Appends "set KEY 0 0 BYTES\r\nVALUE\r\n".
void AppendSet(const Workload& workload, uint32_t id, SendBuffer& out);

// What `requests` requests of the workload need at most.
SendBuffer::Capacity CapacityFor(const Workload& workload, size_t requests);

}  // namespace larder::bench
