#pragma once
// What is read of group stanzas at most, and what the servers take. Specification 05 sections 2.1 and 17.

#include <cstddef>
#include <cstdint>

namespace wharf::protocol::groups {

// --- what a peer may send: beyond it a list or text is not read at all
inline constexpr std::size_t max_members = 20'000;           // rows of people in one list
inline constexpr std::size_t max_rows = 1'000;               // of any other list, and children of one notification
inline constexpr std::size_t max_groups = 10'000;            // groups in one answer, as many as one query may name
inline constexpr std::size_t max_subject_bytes = 1024;       // 1 KiB
inline constexpr std::size_t max_description_bytes = 8192;   // 8 KiB
inline constexpr std::size_t max_label_bytes = 256;          // names and labels of members: cut
inline constexpr std::uint64_t max_trigger = 20;             // of disappearing messages
inline constexpr std::uint64_t max_stated_size = 1'000'000;  // a `size` above it says nothing
inline constexpr std::uint64_t max_time = 253'402'300'799;   // unix seconds, the year 9999: later ones are no times

// --- what servers take unless their properties say otherwise (group_max_subject, group_description_length)
inline constexpr std::size_t default_subject_characters = 100;
inline constexpr std::size_t default_description_characters = 2048;
/// More in one request raise the risk of a ban long before any limit (05 section 2.5).
inline constexpr std::size_t advised_adds = 10;

}  // namespace wharf::protocol::groups
