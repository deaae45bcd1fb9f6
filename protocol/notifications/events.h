#pragma once
// What a <notification> says, as values. Specification 05 section 6.4 (the fields), 02 section 15. Group changes
// (w:gp2) are not among them.
//
// Texts are displayable and bounded. JIDs are as they came, device included; where a member says LID or names an
// account, without. A time is the `t` of the stanza unless said, in unix seconds; one more than a day ahead of the own
// clock is replaced by it (05 section 17), one that is absent or no number is nullopt.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/account/limits.h"
#include "protocol/account/privacy_names.h"
#include "protocol/channels/counts.h"
#include "protocol/media/media_retry.h"

namespace wharf::protocol {

using UnixTime = std::optional<std::uint64_t>;

// --- keys and devices (type encrypt, devices, account_sync, server_sync)

/// The server holds few one-time prekeys. `left` is what it says and no reason not to upload.
struct PreKeysLow {
  std::optional<std::uint64_t> left;
  friend bool operator==(const PreKeysLow&, const PreKeysLow&) = default;
};
/// The server wants its copy of the keys compared (protocol/stanzas/prekeys.h).
struct KeyDigestAsked {
  friend bool operator==(const KeyDigestAsked&, const KeyDigestAsked&) = default;
};
/// A contact was installed anew: its phone, never a companion, never the own account. Sessions and identities of `jid`
/// and of `lid` are void. Floods are the receiver's to debounce (5 s per user).
struct IdentityChanged {
  Jid jid;
  std::optional<Jid> lid;
  UnixTime at;
  friend bool operator==(const IdentityChanged&, const IdentityChanged&) = default;
};

struct ChangedDevice {
  Jid jid;                 // with device, of the user whose list it is
  std::optional<Jid> lid;  // the same device
  std::optional<std::uint32_t> key_index;
  friend bool operator==(const ChangedDevice&, const ChangedDevice&) = default;
};
/// One child of type devices (remove before add before update, 02 section 8.3), or the own list of account_sync.
struct DeviceListChanged {
  enum class Change : std::uint8_t {
    add,
    remove,
    update,  // only a hash, or nothing that is known: drop cached lists
    own,     // `devices` is the whole list of the own account
  };
  Change change = Change::update;
  Jid jid;  // may be the server's, of an update that names a contact by hash alone
  std::optional<Jid> lid;
  std::vector<ChangedDevice> devices;
  std::string hash, lid_hash;              // "" = none; of the list after the change
  Bytes key_index_list;                    // ADVSignedKeyIndexList, not verified; at most 16 KiB, may be empty
  std::optional<std::uint64_t> listed_at;  // ts of the list, as said
  bool rows_skipped = false;               // some were of another user or unreadable: do not patch, drop the list
  friend bool operator==(const DeviceListChanged&, const DeviceListChanged&) = default;
};

struct CollectionVersion {
  std::string name;
  std::optional<std::uint64_t> version;  // nullopt or 0: sync whatever the own version is
  friend bool operator==(const CollectionVersion&, const CollectionVersion&) = default;
};
struct AppStateMoved {
  std::vector<CollectionVersion> collections;
  friend bool operator==(const AppStateMoved&, const AppStateMoved&) = default;
};

// --- the own account (account_sync) and what contacts show

struct PrivacyChanged {
  std::vector<PrivacySetting> settings;  // those that changed; unknown categories and values are left out
  friend bool operator==(const PrivacyChanged&, const PrivacyChanged&) = default;
};
struct BlocklistChanged {
  struct Change {
    Jid jid;
    bool blocked = false;
    friend bool operator==(const Change&, const Change&) = default;
  };
  bool full_refetch = false;  // also when the stored dhash differs from `previous_dhash`
  std::vector<Change> changes;
  std::string dhash, previous_dhash;  // "" = not said
  friend bool operator==(const BlocklistChanged&, const BlocklistChanged&) = default;
};
/// The timer of new chats: the own one, or that a contact prefers. Of a contact it counts when `at` is newer.
struct DefaultTimerChanged {
  std::optional<Jid> contact;  // nullopt: the own account
  std::uint32_t seconds = 0;   // 0 = off
  UnixTime at;                 // of the child
  friend bool operator==(const DefaultTimerChanged&, const DefaultTimerChanged&) = default;
};
struct OwnPushNameChanged {
  std::string name;
  friend bool operator==(const OwnPushNameChanged&, const OwnPushNameChanged&) = default;
};
struct PictureChanged {
  Jid jid;  // a user or a group
  std::optional<Jid> author;
  std::string picture_id;  // "" = not said
  bool removed = false;
  bool own = false;  // of account_sync: nothing but that it changed
  UnixTime at;
  friend bool operator==(const PictureChanged&, const PictureChanged&) = default;
};
struct AboutChanged {
  Jid jid;
  std::optional<std::string> about;  // nullopt: ask for it
  bool own = false;
  UnixTime at;
  friend bool operator==(const AboutChanged&, const AboutChanged&) = default;
};
/// A contact vouches for us (02 section 13). Filed under its LID: `lid` is of the stanza, else the receiver knows one,
/// else `from`. An older one than the stored is to be ignored; the same bytes only advance the time.
struct TrustedTokenReceived {
  Jid from;
  std::optional<Jid> lid;
  std::uint64_t at = 0;  // of the token
  Bytes token;           // 1 to 4,096 bytes; a secret
  friend bool operator==(const TrustedTokenReceived&, const TrustedTokenReceived&) = default;
};
struct ContactChanged {
  std::optional<Jid> jid;
  std::string hash;  // of a side contact, which only the address book can resolve
  friend bool operator==(const ContactChanged&, const ContactChanged&) = default;
};
struct ContactNumberChanged {
  Jid old_jid, new_jid;
  std::optional<Jid> old_lid, new_lid;  // two mappings
  friend bool operator==(const ContactNumberChanged&, const ContactNumberChanged&) = default;
};
struct ContactSyncAsked {
  std::optional<std::uint64_t> after;  // unix seconds
  friend bool operator==(const ContactSyncAsked&, const ContactSyncAsked&) = default;
};
/// An answer to a request of ours (protocol/media/media_retry.h), still sealed.
struct MediaRetried {
  MediaRetryNotification answer;
  friend bool operator==(const MediaRetried& a, const MediaRetried& b) {
    return a.answer.id == b.answer.id && a.answer.message == b.answer.message &&
           a.answer.error_code == b.answer.error_code && a.answer.sealed.payload == b.answer.sealed.payload &&
           a.answer.sealed.iv == b.answer.sealed.iv;
  }
};

// --- channels (newsletter and mex)

struct ChannelMessageUpdated {
  Jid channel;
  ChannelCounts counts;
  friend bool operator==(const ChannelMessageUpdated&, const ChannelMessageUpdated&) = default;
};
struct ChannelJoined {
  Jid channel;
  friend bool operator==(const ChannelJoined&, const ChannelJoined&) = default;
};
struct ChannelLeft {
  Jid channel;
  std::string role;  // GUEST, …; "" = not said
  friend bool operator==(const ChannelLeft&, const ChannelLeft&) = default;
};
/// Something of a channel changed; the operation says what. Read it again to know more.
struct ChannelChanged {
  Jid channel;
  std::string operation;
  friend bool operator==(const ChannelChanged&, const ChannelChanged&) = default;
};
struct ChannelMuted {
  Jid channel;
  bool muted = false;
  friend bool operator==(const ChannelMuted&, const ChannelMuted&) = default;
};

// --- the account as WhatsApp sees it (mex and registration)

struct LidChanged {
  Jid old_lid, new_lid;
  friend bool operator==(const LidChanged&, const LidChanged&) = default;
};
/// Profiles were linked to a LID: ask which, its mappings may have changed.
struct LinkedProfilesChanged {
  Jid lid;
  friend bool operator==(const LinkedProfilesChanged&, const LinkedProfilesChanged&) = default;
};
struct UsernameChanged {
  std::optional<Jid> lid;  // nullopt: a side contact, then `hash`
  std::string username;    // "" = it has none now, or it is to be asked for (side contacts)
  std::string hash;
  bool own = false;
  friend bool operator==(const UsernameChanged&, const UsernameChanged&) = default;
};
struct TextStatusChanged {
  std::optional<Jid> jid;  // nullopt: a side contact, then `hash`
  std::string text, emoji;
  std::optional<std::uint64_t> lasts_seconds;
  UnixTime at;
  std::string hash;
  friend bool operator==(const TextStatusChanged&, const TextStatusChanged&) = default;
};
/// Somebody asks for a code to register this number on another phone.
struct RegistrationCodeAsked {
  std::string code;  // a secret: never logged
  std::optional<std::uint64_t> expires;
  std::string device;
  friend bool operator==(const RegistrationCodeAsked&, const RegistrationCodeAsked&) = default;
};
/// The number was registered on another phone, which logs this one out.
struct TakeoverAttempted {
  std::string device, platform;
  UnixTime at;  // of the child
  friend bool operator==(const TakeoverAttempted&, const TakeoverAttempted&) = default;
};

// --- business accounts

struct BusinessNameChanged {
  Jid jid;
  std::string hash, level;
  Bytes certificate;  // VerifiedNameCertificate, may be empty; at most 16 KiB
  friend bool operator==(const BusinessNameChanged&, const BusinessNameChanged&) = default;
};
struct BusinessRemoved {
  Jid jid;
  std::string hash;
  friend bool operator==(const BusinessRemoved&, const BusinessRemoved&) = default;
};
struct BusinessProfileChanged {
  Jid jid;
  std::string hash;
  friend bool operator==(const BusinessProfileChanged&, const BusinessProfileChanged&) = default;
};
struct CatalogChanged {
  Jid jid;
  std::vector<std::string> products, collections;  // their ids
  friend bool operator==(const CatalogChanged&, const CatalogChanged&) = default;
};

// --- pairing

/// A stage of pairing by code. primary_hello itself is read by read_primary_hello (protocol/stanzas/iq.h).
struct PairingStep {
  std::string stage;
  friend bool operator==(const PairingStep&, const PairingStep&) = default;
};
/// A new random ADV secret and a new QR; not once a pairing by code has passed stage 2.
struct AdvRotationAsked {
  friend bool operator==(const AdvRotationAsked&, const AdvRotationAsked&) = default;
};

// --- everything else

/// Acked, and told for what it is. Also lists over their bounds, and mex that cannot be read.
struct UnknownNotification {
  std::string type;
  std::optional<std::string> operation;  // of mex
  std::string child;                     // of a known type, the part that is not understood; "" = all of it
  friend bool operator==(const UnknownNotification&, const UnknownNotification&) = default;
};

using NotificationEvent =
    std::variant<PreKeysLow, KeyDigestAsked, IdentityChanged, DeviceListChanged, AppStateMoved, PrivacyChanged,
                 BlocklistChanged, DefaultTimerChanged, OwnPushNameChanged, PictureChanged, AboutChanged,
                 TrustedTokenReceived, ContactChanged, ContactNumberChanged, ContactSyncAsked, MediaRetried,
                 ChannelMessageUpdated, ChannelJoined, ChannelLeft, ChannelChanged, ChannelMuted, AccountRestricted,
                 NewChatQuota, LidChanged, LinkedProfilesChanged, UsernameChanged, TextStatusChanged,
                 RegistrationCodeAsked, TakeoverAttempted, BusinessNameChanged, BusinessRemoved, BusinessProfileChanged,
                 CatalogChanged, PairingStep, AdvRotationAsked, UnknownNotification>;

/// Of use to the session alone, never shown to who uses its API.
bool is_internal(const NotificationEvent& event);

}  // namespace wharf::protocol
