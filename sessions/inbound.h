#pragma once
// Incoming messages: decrypt, store, event, receipt, all in one turn. Specification 03 sections 6, 7.1 and 8.1.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages/content.h"
#include "protocol/stanzas/messages.h"
#include "sessions/add_ons.h"
#include "sessions/fanout.h"
#include "sessions/groups/held_messages.h"
#include "sessions/groups/sender_keys.h"
#include "sessions/retry_keys_out.h"

namespace wharf::sessions {

class Inbound {
 public:
  Inbound(Context& context, Directory& directory, Fanout& fanout, SenderKeys& sender_keys, HeldMessages& held,
          AddOns& add_ons)
      : c_(context),
        directory_(directory),
        fanout_(fanout),
        sender_keys_(sender_keys),
        held_(held),
        add_ons_(add_ons),
        timers_(context, directory) {}

  void on_message(const Node& message);
  /// For the log: a message that could not be decrypted, after the retry receipt was decided.
  std::function<void(const std::string& id, std::uint32_t count, const Error&)> on_undecryptable;
  /// A message of this kind was stored in this turn.
  std::function<void(const std::string& id, const std::string& kind)> on_stored;
  /// Somebody called themselves so with a message.
  std::function<void(const Jid& author, const std::string& name)> on_push_name;
  /// Set by the session: the phone has shared keys of app state that were not known.
  std::function<void()> on_app_state_keys;
  /// For the log: a message under the id of one that is somebody else's, acked and left alone; once a minute at most.
  std::function<void(const Jid& chat, const std::string& id, const Jid& author)> on_id_taken;
  /// For the log: a message over what we take of others, refused for good.
  std::function<void(const std::string& id, std::size_t bytes)> on_too_large;

 private:
  Result<Bytes> decrypt(const Jid& author, const protocol::ReceivedEnc& enc, const Node& message);
  enum class Read : std::uint8_t { yes, no, refused };  // refused: it was answered
  Read read(const Node& message, const protocol::MessageSource& source, const Jid& author,
            const protocol::ReceivedEnc& enc);
  /// `whole`: the message as it came, which is stored. False: the id is another's.
  bool on_content(const protocol::MessageSource& source, const protocol::IncomingMessage& content, Bytes whole);
  void store(const protocol::MessageSource& source, const protocol::IncomingMessage& content, storage::MessageRow row);
  void store_add_on(const protocol::IncomingMessage& content, storage::MessageRow row);
  /// What was asked for once more of this author, also before its LID was known.
  storage::RetryRow retry_of(const Jid& author, const std::string& id) const;
  /// Of a chat with several authors: a message of this id is there (`there`) that somebody else sent, or is waited for
  /// in this chat from somebody else. Whoever reads an id must not put his own words, or none, in the place of what its
  /// author said: the first to come has it.
  bool is_taken(const protocol::MessageSource& source, const Jid& chat, bool there);
  bool is_awaited_of_another(const Jid& chat, const Jid& author, const std::string& id);
  void tell_taken(const Node& message, const protocol::MessageSource& source, const Jid& chat);
  bool any_retries();
  /// A member sends to a group pairwise what was asked for once more, and now and then what is for few. Of a stranger
  /// that is no message of the group; he is asked for it again, as he may have come unheard. Who left while he was
  /// asked is none for that message, which the row of the request says by its chat.
  bool is_of_stranger(const protocol::MessageSource& source, const Jid& author);
  /// It is for a group that does not know its author, and is asked for: nothing of it is read until then, as what was
  /// read once is not read again.
  bool waits_for_group(const Node& message, const protocol::MessageSource& source, const Jid& author,
                       const std::vector<protocol::ReceivedEnc>& encs);
  /// False: what was asked for once more was stored before, and its chat may be gone since.
  bool note_told(const protocol::MessageSource& source);
  /// Of a status: it was posted over a day ago, and is shown no more.
  bool is_over(const protocol::MessageSource& source) const;
  void on_protocol_message(const protocol::MessageSource& source, const protocol::IncomingMessage& content);
  void on_failure(const Node& message, const protocol::MessageSource& source, const Jid& author,
                  std::uint32_t stated_count, const Error& error);
  void acknowledge(const Node& message, const protocol::MessageSource& source);
  void plain_ack(const Node& message, unsigned error = 0);
  /// Keys for the retry receipt, unless enough of them are on their way to this author already.
  std::optional<protocol::RetryKeys> retry_keys(const Jid& author);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  SenderKeys& sender_keys_;
  HeldMessages& held_;
  AddOns& add_ons_;
  ChatTimers timers_;
  RetryKeysOut retry_keys_out_;
  net::SteadyTime taken_told_until_{};
  std::optional<bool> any_retries_;  // asked when the first message comes: hardly a session ever has one
};

}  // namespace wharf::sessions
