#pragma once
// Encrypts a message for a group, or a status post for its audience (status_audiences.h): once by the own sender key,
// which goes pairwise, before the first message that a device is to read with it, to every device of every member.
// Specification 03 sections 2 and 5.1, 05 section 5.
//
// Where the key is stands in rows (storage/sender_keys.h), so what is to be done is found by comparing them with who is
// in the group now: devices without the key get it; a device that has it and is not in the group any more means another
// key for all. So a notification that was missed costs no more than the question that finds out. The copies are made
// ready some at a time, each encrypted once and stored before the next ones are, so that thousands of devices neither
// hold up the loop nor are begun anew when the connection or the process ends in the middle.
//
// Of a first message to thousands of devices each turn does one thing: eight sessions are begun (Fanout), a page of
// copies is made, the group is looked at, the stanza is built. The look before the stanza remembers what goes into it,
// so that the stanza reads no rows but the key's; whatever changes who is to have the key, or by what, forgets it, and
// the message waits for another look.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sessions/fanout.h"
#include "sessions/groups/group_plan.h"
#include "sessions/groups/groups.h"
#include "sessions/status_audiences.h"

namespace wharf::sessions {

class GroupFanout {
 public:
  GroupFanout(Context& context, Directory& directory, Fanout& fanout, Groups& groups, StatusAudiences& audiences)
      : c_(context), directory_(directory), fanout_(fanout), groups_(groups), audiences_(audiences) {}

  /// Of a status post, or its deletion: what is prepared and sealed next is this one. Nothing of a group.
  void aim_at(const Jid& group, const storage::MessageRow& message);

  /// True when seal() can work now. Linear in the members of a group; of one that was written to before and has not
  /// changed since, at once. False also of one whose copies are so many that they want a turn of their own, until
  /// prepare() has left them one.
  bool prepared(const Jid& group);
  using Prepared = Fanout::Prepared;
  /// Fetches what is missing and makes copies of the key; `done` runs in a later turn, or at once when nothing can be
  /// asked. nobody: the own account is not in the group.
  void prepare(const Jid& group, std::function<void(Prepared)> done);

  /// Encrypts and builds the stanza. `before`: the id of the key that the same message was sent with already. Copies of
  /// another one go with the next message once more: to who has the message the server brings nothing of this stanza.
  /// Errors: not_found (the own account is not in the group), not_ready (prepared() is false), too_large (found before
  /// any key advanced).
  Result<Node> seal(const Jid& group, const std::string& message_id, ByteView content, ByteView secret,
                    std::optional<std::uint32_t> before = {});
  /// Of a message that was sent with this key: copies went with it that can still be lost, or there is somebody whom it
  /// has not reached, so that another stanza of it is worth sending. That members are gone alone is no reason.
  bool missed_some(const Jid& group, std::optional<std::uint32_t> key);
  /// The stanza of the message was accepted, or never will be. Nothing when no copies went with it.
  void settle(const Jid& group, const std::string& message_id, bool arrived);
  /// Members beside the own account, those that the server does not show counted too; 0: not known.
  std::uint32_t others(const Jid& group);
  /// The server knows other devices: who is in it and their lists are asked for again.
  void forget(const Jid& group);
  /// This device is given the key outside of a message, or cannot read by the one it has: it counts among those who may
  /// have it, and gets it with the next message again.
  void give_again(const Jid& group, const Jid& device);
  /// Whether a device that asks for a message again may be given the current key with it: in a group whoever is a
  /// member may, on a device that is addressed there (the caller has seen that a list names it); of statuses the key is
  /// of the audience of the last one, which may be another than that message's.
  bool may_have_key(const Jid& group, const Jid& device) const;
  /// The current key for a device that asks for a message again. Errors: not_found, as seal().
  Result<Bytes> distribution(const Jid& group);

  void on_changed(const Jid& group) {
    warm_.erase(group);
    ++changes_;
  }
  /// So are all groups, or may be.
  void on_all_changed();
  /// The devices of a user are others.
  void on_devices_changed(const Jid& user);
  void on_link_down();
  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);

 private:
  static constexpr std::size_t kept_warm = 8;
  /// A copy of the key, as the rows have it.
  struct Ready {
    Jid filed;  // the device, as its ratchet is filed
    protocol::EncryptedFor copy;
  };
  /// A group that everything is there for: what a message needs of it, and who must not change meanwhile.
  struct Warm {
    protocol::groups::AddressingMode mode = protocol::groups::AddressingMode::lid;
    Jid sender;
    std::string phash;
    std::uint32_t others = 0;
    std::vector<std::uint64_t> users;      // hashes, sorted
    std::vector<Jid> audience;             // of statuses: the people as the stanza names them
    bool sends_copies = false;             // some are ready: they go with the next message
    std::vector<Ready> ready;              // those
    bool waits = false;                    // they are so many that their stanza wants a turn of its own
    std::optional<net::SteadyTime> until;  // somebody could not be reached, and is to be tried again then
    std::uint64_t used = 0;
  };
  /// What stands between the group and a message.
  struct Look {
    enum class Lacks : std::uint8_t { nothing, metadata, membership, lists, copies } lacks;
    GroupPlan plan;
    bool other_key = false;     // somebody has the key who is not in the group, or it was made under another name
    bool sends_copies = false;  // some are ready
    bool left_out = false;      // devices that cannot be reached now, or users without a list
    std::optional<net::SteadyTime> until;  // a list that stands for want of an answer is asked for again then
    std::vector<Jid> whose;                // users without a list, or devices without a copy
    KeyCopies copies;                      // of the key that there is
  };
  Look look(const Jid& group);
  /// As Directory::listed_devices; of a bot itself, and of one that stands for want of an answer, once its time is
  /// over, nullptr.
  const std::vector<std::uint16_t>* listed(const Jid& user, Look& look);
  /// A look that has found something missing, for whoever looks next in the same turn.
  struct Lacking {
    Jid group;
    std::uint64_t changes = 0;
    Look look;
  };
  bool is_lacking(const Jid& group) const {
    return lacking_ && lacking_->changes == changes_ && lacking_->group == group;
  }
  bool is_warm(const Jid& group) const;
  /// Remembers a group that lacks nothing.
  const Warm& warm_up(const Jid& group, Look seen);
  /// The key before the present one: who was given it has what was said with it.
  struct Former {
    std::uint32_t key = 0;
    std::vector<std::uint64_t> devices;  // hashes, sorted
    std::uint64_t used = 0;
  };
  /// nullptr: not known, or `key` is not the one before.
  const Former* former(const Jid& group, std::optional<std::uint32_t> key) const;
  /// Of one preparation. What a look has found is worked off page by page before the next look, which is linear in the
  /// group, unless something changes meanwhile.
  struct Progress {
    unsigned steps = 0;
    bool asked = false;         // for the group itself
    std::vector<Jid> left;      // devices without a copy, the next ones last
    std::vector<Jid> page;      // those whose sessions were asked for: their copies are made next
    std::uint64_t changes = 0;  // as they stood at the look
  };
  /// As Groups::find; of status@broadcast the audience that is aimed at.
  std::optional<Groups::Known> find(const Jid& group);
  void ask_for_people(const Jid& group, UniqueFunction<void(Groups::Refreshed)> done);
  void go_on(const Jid& group, const std::shared_ptr<Progress>& progress, std::function<void(Prepared)> done);
  /// The next copies that the last look found missing, behind the sessions that they want.
  void take_page(const Jid& group, const std::shared_ptr<Progress>& progress, std::function<void(Prepared)> done);
  /// The next copies are of another one.
  void give_up_key(const Jid& group, const KeyCopies& copies);
  void make_copies(const Jid& group, const std::vector<Jid>& devices);
  /// An answer has come behind which this user has a list: a new one, or the old one for want of another.
  void note_list(const Jid& user);
  /// `everybody`: of the group, those included who are not asked for.
  void ask_for_lists(std::vector<Jid> users, std::vector<Jid> everybody, std::function<void(bool)> then);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  Groups& groups_;
  StatusAudiences& audiences_;
  std::map<Jid, Warm> warm_;
  std::map<Jid, Former> former_;
  std::map<Jid, net::SteadyTime> forgotten_at_;      // groups whose lists were given up because the server knows others
  static constexpr unsigned errors_borne = 3;        // in a row, until a user is left out whatever the server may mean
  static constexpr unsigned errors_borne_alone = 8;  // where nobody else has a list: two minutes
  static constexpr std::size_t max_errors = 4'096;   // users
  std::map<Jid, unsigned> list_errors_;              // users -> answers in a row that were an error of their own
  std::map<Jid, net::SteadyTime> unlisted_;          // users whom an answer named no devices of -> until when
  static constexpr std::size_t max_kept = 4'096;     // users
  std::map<Jid, net::SteadyTime> kept_lists_;  // users whom an answer passed over, and an old list is of -> likewise
  std::optional<Lacking> lacking_;             // of this turn
  std::uint64_t clock_ = 0;
  std::uint64_t changes_ = 0;  // of who is to have keys
};

}  // namespace wharf::sessions
