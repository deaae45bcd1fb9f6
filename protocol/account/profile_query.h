#pragma once
// usync as a look at people: whether a number is registered, LID, about, picture id, default timer, username, verified
// name. Device lists have a query of their own (protocol/stanzas/usync.h). Specification 02 sections 7 and 10.

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/business/verified_name.h"

namespace wharf::protocol {

enum class ProfileField : std::uint8_t { contact, business, about, picture, default_timer, text_status, username, lid };
inline constexpr std::size_t profile_field_count = 8;

/// Fields that are asked for together.
class ProfileFields {
 public:
  constexpr ProfileFields() = default;
  constexpr ProfileFields(std::initializer_list<ProfileField> fields) {
    for (const ProfileField field : fields) bits_ |= bit(field);
  }
  constexpr bool has(ProfileField field) const { return (bits_ & bit(field)) != 0; }
  constexpr void add(ProfileField field) { bits_ |= bit(field); }
  friend bool operator==(const ProfileFields&, const ProfileFields&) = default;

 private:
  static constexpr unsigned bit(ProfileField field) { return 1u << static_cast<unsigned>(field); }
  unsigned bits_ = 0;
};

/// One user: by JID, or by number (digits without plus; then `contact` is to be among the fields).
struct ProfileTarget {
  std::optional<Jid> jid = {};
  std::string phone = {};
  Bytes token = {};  // trusted-contact token, for about and picture
  friend bool operator==(const ProfileTarget&, const ProfileTarget&) = default;
};
/// Up to 500 users at once. Mode full, context background; interactive look-ups of numbers mode query.
Node profile_query_iq(std::string_view id, std::string_view sid, ProfileFields fields,
                      std::span<const ProfileTarget> users);

/// Why a field of a user, or of all users, is not there.
struct ProfileError {
  ProfileField field{};
  unsigned code = 0;                  // 0 = not said
  std::uint64_t backoff_seconds = 0;  // of a field for all users: not to be asked again before
  friend bool operator==(const ProfileError&, const ProfileError&) = default;
};
/// The first of this field, in `errors` while they live; nullptr: there is none.
const ProfileError* find_error(std::span<const ProfileError> errors, ProfileField field);

struct About {
  std::string text;     // several lines
  bool hidden = false;  // by privacy, then without text
  std::optional<std::uint64_t> set_at;
  friend bool operator==(const About&, const About&) = default;
};
struct ProfileTextStatus {
  std::string text, emoji;
  std::optional<std::uint64_t> lasts_seconds, set_at;
  friend bool operator==(const ProfileTextStatus&, const ProfileTextStatus&) = default;
};

/// What was not asked for, or not answered, is nullopt: keep what is known.
struct Profile {
  Jid jid = {};                    // as the server wrote it; empty for a number that it does not know
  std::optional<Jid> pn = {};      // pn_jid beside a LID: a mapping
  std::string contact_query = {};  // echo of the number asked for: the server corrects numbers
  std::string contact_type = {};   // in, out, invalid
  std::optional<Jid> lid = {};
  std::optional<About> about = {};
  std::optional<std::string> picture_id = {};
  std::optional<std::uint32_t> default_timer_seconds = {};
  std::optional<std::uint64_t> default_timer_at = {};
  std::optional<std::string> username = {};  // "" = it has none
  std::optional<VerifiedName> business = {};
  std::optional<ProfileTextStatus> text_status = {};
  std::vector<ProfileError> errors = {};
  friend bool operator==(const Profile&, const Profile&) = default;
};
struct Profiles {
  std::vector<Profile> users;        // in the answer's order; some may be missing, others not asked for
  std::vector<ProfileError> errors;  // of a field for all users
  friend bool operator==(const Profiles&, const Profiles&) = default;
};
/// Errors: those of the whole request as iq_refusal (protocol/stanzas/iq_reading.h), malformed (no list, over 1,000
/// users).
Result<Profiles> read_profiles(const Node& answer);

// --- the network's side

struct ProfileQuery {
  std::string sid;
  std::string mode, context;
  ProfileFields fields;
  std::vector<ProfileTarget> users;
};
/// nullopt when it is no usync get, has no list or over 1,000 users. Protocols that are not fields are left out, and
/// users without JID and number.
std::optional<ProfileQuery> read_profile_query(const Node& iq);
Node profiles_answer(const Node& request, const ProfileQuery& query, const Profiles& profiles);

}  // namespace wharf::protocol
