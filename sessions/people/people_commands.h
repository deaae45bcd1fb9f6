#pragma once
// What may be asked of a session about people, and about what others see of the account (sessions/commands.h). Unless
// said otherwise each is asked of WhatsApp and may fail with not_ready (not connected), timed_out, forbidden,
// not_found, malformed, rate_limited, refused. Specification 02 sections 10 to 13, 05 sections 9 and 13.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/account/presence.h"
#include "protocol/account/privacy_names.h"
#include "protocol/business/catalog.h"
#include "protocol/business/profile.h"
#include "sessions/people/person_answers.h"

namespace wharf::sessions {

using protocol::Jid;

/// Which numbers are on WhatsApp, in the order asked. Those found within a day are not asked for again, unless `anew`;
/// the others in batches of 50, a second apart, which all checks that wait share. What is not known 25 s later is
/// `unanswered`. Errors: timed_out also when that is all; rate_limited also when 16 checks of the session wait.
struct CheckNumbers {
  using Answer = std::vector<NumberChecked>;
  static constexpr const char* name = "check_numbers";
  std::vector<std::string> numbers;  // 7 to 15 digits with country code
  bool anew = false;
  friend bool operator==(const CheckNumbers&, const CheckNumbers&) = default;
};
/// Somebody's profile: asked for when the session is connected, else what is known of it. Errors: not_found (nobody
/// has this number), not_ready (nothing is known and the session is not connected).
struct LookAtContact {
  using Answer = ContactView;
  static constexpr const char* name = "look_at_contact";
  Jid who;
  friend bool operator==(const LookAtContact&, const LookAtContact&) = default;
};
/// Somebody's picture, or the own one: where it is, and with `with_bytes` the file itself when it can be fetched.
/// That there is none, or that it is hidden, is an answer; not_found: nobody has this number.
struct GetPicture {
  using Answer = PictureView;
  static constexpr const char* name = "get_picture";
  Jid who;
  bool preview = false;  // the small one
  bool with_bytes = false;
  friend bool operator==(const GetPicture&, const GetPicture&) = default;
};
/// The own picture; the answer is its id, "" when it was removed.
struct SetOwnPicture {
  using Answer = std::string;
  static constexpr const char* name = "set_own_picture";
  protocol::Bytes jpeg;  // square, 640 pixels at most; empty: removes it
  friend bool operator==(const SetOwnPicture&, const SetOwnPicture&) = default;
};
struct SetAbout {
  using Answer = void;
  static constexpr const char* name = "set_about";
  std::string text;  // protocol::acceptable_about()
  friend bool operator==(const SetAbout&, const SetAbout&) = default;
};
/// The disappearing timer of chats that begin from now on.
struct SetDefaultTimer {
  using Answer = void;
  static constexpr const char* name = "set_default_timer";
  std::uint32_t seconds = 0;  // protocol::acceptable_default_timer()
  friend bool operator==(const SetDefaultTimer&, const SetDefaultTimer&) = default;
};
/// How the account calls itself. Answered when the server took it, as the next two; errors as AppState::change().
struct SetOwnName {
  using Answer = void;
  static constexpr const char* name = "set_own_name";
  std::string own_name;  // one line, not empty
  friend bool operator==(const SetOwnName&, const SetOwnName&) = default;
};
/// Saves somebody under a name, or renames them, for all devices of the account.
struct SaveContact {
  using Answer = void;
  static constexpr const char* name = "save_contact";
  Jid who;
  std::string full_name, first_name;  // one line each, at most protocol::max_action_name_bytes
  bool on_phone = false;              // in the address book of the phone itself too
  friend bool operator==(const SaveContact&, const SaveContact&) = default;
};
/// Errors also: not_found (not saved).
struct RemoveSavedContact {
  using Answer = void;
  static constexpr const char* name = "remove_saved_contact";
  Jid who;
  friend bool operator==(const RemoveSavedContact&, const RemoveSavedContact&) = default;
};
/// All that the server names.
struct ReadPrivacy {
  using Answer = std::vector<protocol::PrivacySetting>;
  static constexpr const char* name = "read_privacy";
  friend bool operator==(const ReadPrivacy&, const ReadPrivacy&) = default;
};
/// One after another; the answer is all that hold afterwards. Where one is refused, those before it hold.
struct ChangePrivacy {
  using Answer = std::vector<protocol::PrivacySetting>;
  static constexpr const char* name = "change_privacy";
  std::vector<protocol::PrivacySetting> settings;  // protocol::allowed(); each category once
  friend bool operator==(const ChangePrivacy&, const ChangePrivacy&) = default;
};
/// Who a setting of contact_blacklist leaves out, or would: one of those that protocol::allowed() it.
struct ReadExcluded {
  using Answer = std::vector<Person>;
  static constexpr const char* name = "read_excluded";
  protocol::PrivacyCategory category = protocol::PrivacyCategory::last_seen;
  friend bool operator==(const ReadExcluded&, const ReadExcluded&) = default;
};
/// Sets the setting to contact_blacklist, and changes whom it leaves out; the answer is everybody whom it does by then.
/// Errors also: not_found (nobody has a number).
struct ChangeExcluded {
  using Answer = std::vector<Person>;
  static constexpr const char* name = "change_excluded";
  protocol::PrivacyCategory category = protocol::PrivacyCategory::last_seen;
  std::vector<Jid> add, remove;
  friend bool operator==(const ChangeExcluded&, const ChangeExcluded&) = default;
};
struct ListBlocked {
  using Answer = std::vector<Person>;
  static constexpr const char* name = "list_blocked";
  friend bool operator==(const ListBlocked&, const ListBlocked&) = default;
};
struct BlockContact {
  using Answer = void;
  static constexpr const char* name = "block_contact";
  Jid who;
  bool block = true;
  friend bool operator==(const BlockContact&, const BlockContact&) = default;
};
/// nullopt: it is no business, or shows no profile.
struct ReadBusiness {
  using Answer = std::optional<protocol::BusinessProfile>;
  static constexpr const char* name = "read_business";
  Jid who;
  friend bool operator==(const ReadBusiness&, const ReadBusiness&) = default;
};
struct ReadCatalog {
  using Answer = protocol::CatalogPage;
  static constexpr const char* name = "read_catalog";
  protocol::CatalogQuery query;
  friend bool operator==(const ReadCatalog&, const ReadCatalog&) = default;
};
/// "typing…" and its end, in a chat or a group. Gone is gone: nothing of it is kept. Errors: not_ready alone.
struct ShowChatState {
  using Answer = void;
  static constexpr const char* name = "show_chat_state";
  Jid chat;
  protocol::ChatState state = protocol::ChatState::composing;
  friend bool operator==(const ShowChatState&, const ShowChatState&) = default;
};
/// Whether somebody's presence is told (`presence` events), from now on and on every later connection. Nothing is told
/// while the account itself shows as offline. The answer is what is known by now. Errors: rate_limited
/// (max_watched are watched already, Subject::contact).
struct WatchPresence {
  using Answer = PresenceView;
  static constexpr const char* name = "watch_presence";
  Jid who;
  bool watch = true;
  friend bool operator==(const WatchPresence&, const WatchPresence&) = default;
};
/// What is known by now of somebody who is watched or not; asks nothing.
struct ReadPresence {
  using Answer = PresenceView;
  static constexpr const char* name = "read_presence";
  Jid who;
  friend bool operator==(const ReadPresence&, const ReadPresence&) = default;
};
/// Whether the account shows as online, until the process ends or the config says otherwise. Errors: not_ready
/// (not connected, or it has no name yet, without which WhatsApp takes none).
struct ShowPresence {
  using Answer = void;
  static constexpr const char* name = "show_presence";
  bool available = true;
  friend bool operator==(const ShowPresence&, const ShowPresence&) = default;
};

inline constexpr std::size_t max_numbers_in_check = 1'000;
inline constexpr std::size_t max_watched = 1'000;

}  // namespace wharf::sessions
