#pragma once
// Limits and intervals of one session, with their units; the same for all sessions of a process.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/noise/certificate.h"
#include "protocol/noise/client_payload.h"

namespace wharf::sessions {

struct SessionSettings {
  protocol::ClientProfile profile;
  std::size_t max_queued_messages = 10'000;
  std::chrono::seconds max_lateness{24 *
                                    3600};    // of a scheduled message that names no end; 0 = it is sent however late
  std::size_t max_in_flight = 256;            // sealed stanzas waiting for their ack
  std::size_t max_in_flight_bytes = 4 << 20;  // of them together; the one that crosses it may be larger
  std::size_t pre_key_batch = 812;            // 02 section 6.2
  std::uint64_t pre_key_low_mark = 10;
  std::chrono::hours device_list_lifetime{24};  // notifications keep lists current; this bounds what was missed
  std::chrono::hours signed_pre_key_lifetime{27 * 24};
  std::uint32_t max_retries = 5;             // the highest number of a retry request that we send, and refuse
  std::uint32_t max_retry_receipts = 20;     // that we send for one message: a cut may take each of them
  std::uint32_t max_resends = 10;            // of one message to one device: a cut may take each of them
  std::chrono::hours resend_window{7 * 24};  // own messages that may be resent on request
  bool copies_media = false;                 // there is a plain media folder
  bool deduplicate_media = true;             // a file that the servers have is announced, not uploaded once more
};

}  // namespace wharf::sessions
