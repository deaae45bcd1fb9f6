#pragma once
// Groups that are made once, however often they are asked for under one Idempotency-Key. Their rows are those of
// messages (storage/outbox.h), so a key means one request of either kind.
//
// WhatsApp knows no such key, and what was asked and never answered may have been done. So the row is written in the
// turn from whose commit the request leaves; the answer says how it ended; and while there is none, nobody makes a
// second group. What an end in between leaves is settled by the notification of the new group, which says the key of
// the creation again (05 section 2.1) and comes at the latest with the next login: that key is made of the program's.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/context.h"
#include "sessions/groups/group_answer.h"

namespace wharf::sessions {

class MadeGroups {
 public:
  explicit MadeGroups(Context& context) : c_(context) {}

  /// What a request calls itself, and what tells it from another.
  struct Name {
    std::string key;
    std::string hash;
    std::vector<std::string> other_hashes = {};  // of the same, where its people are named otherwise
  };
  struct Made {
    Jid group;
    std::vector<MemberOutcome> members;  // of `who` the JID alone; none where the notification settled it
  };
  /// The first answer to it; nullopt: it was never asked, or WhatsApp refused it. Errors, conflict: about
  /// idempotency_key (the key is another request's), about group (what became of it is not known, or not yet).
  Outcome<std::optional<Made>> find(const Name& name) const;
  /// The key that the creation of this name has at WhatsApp.
  static std::string key_of(const Name& name);

  /// It leaves with the commit of this turn.
  void asked(const Name& name);
  void made(const Name& name, const Jid& group, const std::vector<MemberOutcome>& members);
  /// There is no group: WhatsApp said so, or it never left.
  void refused(const Name& name);
  /// Nobody will tell any more, but for told().
  void unanswered(const Name& name) { on_its_way_.erase(name.key); }
  /// The own account has made this group, says its notification with the creation's key.
  void told(const std::string& creation_key, const Jid& group);

 private:
  void put(const std::string& key, const std::string& hash, std::string state);

  Context& c_;
  std::set<std::string> on_its_way_;  // keys whose answer is waited for
};

}  // namespace wharf::sessions
