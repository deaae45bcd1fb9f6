#pragma once
// Privacy settings, who is excluded from them, and the block list. Specification 05 section 13 (items 4 and 5), 02
// section 11.
//
// Exclusion lists and the block list have a version, their dhash. A change of an exclusion list names the version it
// was made on: when another device was faster the answer is 409, Errc::conflict, and the list is to be read again.
// Accounts that were migrated to LIDs speak of both in LIDs, or are refused with 400.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/account/privacy_names.h"
#include "protocol/binary/node.h"

namespace wharf::protocol {

// --- settings

Node privacy_iq(std::string_view id);
Node set_privacy_iq(std::string_view id, PrivacySetting setting);
/// The settings a server names, unknown categories and values (`error` among them) left out. The answer to a change
/// names what was changed. Errors: as iq_refusal (protocol/stanzas/iq_reading.h), malformed (no <privacy>).
Result<std::vector<PrivacySetting>> read_privacy(const Node& answer);

/// The network's side. nullopt when it is no such request, or names what is not allowed().
std::optional<std::vector<PrivacySetting>> read_privacy_change(const Node& iq);
Node privacy_answer(const Node& request, std::span<const PrivacySetting> settings);

// --- who contact_blacklist excludes

/// `by_lid`: addressing_mode=lid, for migrated accounts.
enum class PrivacyAddressing : std::uint8_t { by_number, by_lid };

struct ExclusionListQuery {
  PrivacyCategory category{};
  PrivacyAddressing addressing = PrivacyAddressing::by_lid;
  friend bool operator==(const ExclusionListQuery&, const ExclusionListQuery&) = default;
};
Node exclusion_list_iq(std::string_view id, ExclusionListQuery query);

struct ExcludedUser {
  Jid jid;
  std::string username = {};  // "" = not said
  friend bool operator==(const ExcludedUser&, const ExcludedUser&) = default;
};
struct ExclusionList {
  std::string dhash;  // "" = there is no list yet
  std::vector<ExcludedUser> users;
  friend bool operator==(const ExclusionList&, const ExclusionList&) = default;
};
/// nullopt: the answer holds no list: unchanged, or kept in the other addressing. Errors: as iq_refusal, malformed (no
/// <privacy>, over 1,000 users).
Result<std::optional<ExclusionList>> read_exclusion_list(const Node& answer);

struct ExclusionChange {
  bool add = false;
  Jid jid;                     // a LID for migrated accounts
  std::optional<Jid> pn = {};  // pn_jid beside a LID, or a username
  std::string username = {};
  friend bool operator==(const ExclusionChange&, const ExclusionChange&) = default;
};
/// Sets the category to contact_blacklist and changes its list. `dhash` "" where there is no list yet. The answer is
/// judged by read_privacy(); Errc::conflict when `dhash` is not the newest.
struct ExclusionListChange {
  ExclusionListQuery list;
  std::string dhash;
  std::vector<ExclusionChange> changes;
  friend bool operator==(const ExclusionListChange&, const ExclusionListChange&) = default;
};
Node change_exclusions_iq(std::string_view id, const ExclusionListChange& change);

/// The network's side.
std::optional<ExclusionListQuery> read_exclusion_list_query(const Node& iq);
Node exclusion_list_answer(const Node& request, ExclusionListQuery query, const ExclusionList& list);
/// nullopt when it is no such request, its category has no such list, or a row of it cannot be used.
std::optional<ExclusionListChange> read_exclusions_change(const Node& iq);

// --- the block list

struct BlockList {
  std::string dhash;  // "" = not said
  std::vector<ExcludedUser> users;
  std::size_t unread = 0;  // rows without a usable JID
  friend bool operator==(const BlockList&, const BlockList&) = default;
};
Node block_list_iq(std::string_view id);
/// Also of the answers to changes; one without a list is an empty one there. Rows without a usable JID are counted.
/// Errors: as iq_refusal, malformed (over 20,000 rows).
Result<BlockList> read_block_list(const Node& answer);

/// What names somebody beside the LID, in the order of preference. An account without LIDs blocks by number alone:
/// `jid` is that then, and nothing beside it.
struct BlockChange {
  bool block = false;
  Jid jid;
  std::optional<Jid> pn = {};
  std::string username = {}, display_name = {};
  friend bool operator==(const BlockChange&, const BlockChange&) = default;
};
/// A LID with nothing beside it is blocked as unknown_identifier. To unblock, `jid` is enough.
Node block_iq(std::string_view id, const BlockChange& change);

/// The network's side.
bool is_block_list_query(const Node& iq);
std::optional<BlockChange> read_block_change(const Node& iq);
Node block_list_answer(const Node& request, const BlockList& list);

}  // namespace wharf::protocol
