#pragma once
// What a program asks to have sent: is it possible, is it a repetition, what is it made of; then it is a row of the
// conversation and goes into the outbox in the same commit, or waits for its time (schedule.h) and is accepted anew
// then. What ends what is scheduled (cancelling, deleting, expiry) is here too, and passed on to the outbox for the
// rest.

#include <optional>
#include <string>
#include <vector>

#include "sessions/add_ons.h"
#include "sessions/commands.h"
#include "sessions/holdings.h"
#include "sessions/idempotency.h"
#include "sessions/outbox.h"
#include "sessions/schedule.h"
#include "sessions/sealer.h"
#include "storage/outbox.h"

namespace wharf::sessions {

class Acceptance {
 public:
  Acceptance(Context& context, Directory& directory, Sealer& sealer, AddOns& add_ons, Outbox& outbox);

  /// At start: what is scheduled; what was accepted and not acknowledged is given to the outbox.
  void load();
  void accept(const SendMessage& request, Reply<SentMessage> reply);
  void accept(const SendMessages& several, Reply<std::vector<SentMessage>> reply);
  /// The first answer to a request that is repeated; none when it is new. Errors: as FindSent.
  Outcome<std::vector<SentMessage>> find(const FindSent& wanted);
  /// Ends a message that was not sealed yet. Errors: as CancelMessage.
  void cancel(const CancelMessage& request, Reply<SentMessage> reply);
  /// The user deletes the chat: what was not sealed yet is cancelled, its ack says so. Sealed messages may be on their
  /// way already and are followed to their ack. Whether anything was.
  bool forget_chat(const Jid& chat);
  /// The user deletes one message: the same.
  void forget_message(const std::string& id);
  /// The session was logged out: nothing can be sent any more.
  void cancel_all(const std::string& why);
  /// The session is removed: files that were to be uploaded go with its rows.
  void release_files();
  /// When on_due() has something to do, online or not.
  std::optional<net::SteadyTime> due() const;
  void on_due();
  void count(Holdings& held) const;

 private:
  static constexpr unsigned max_released_at_once = 64;  // in one turn

  struct Composed {
    SendMessage request;
    storage::MessageRow message;
  };
  /// The own album that it deletes for everyone, when it is one.
  std::optional<storage::MessageRow> revoked_album(const SendMessage& request) const;
  /// An album's head goes back with its pictures: what takes back those that were sent, as far as they can be.
  std::vector<Composed> revokes_of_members(const storage::MessageRow& head, const Jid& chat);
  bool has_room_for(std::size_t messages) const;
  /// It deletes a status post that no network has had.
  bool is_of_waiting_post(const SendMessage& request, const Jid& chat) const;
  /// The post ends and is deleted here, and nobody is told: neither it nor `revoke` leaves.
  void withdraw_post(const SendMessage& request, const storage::MessageRow& revoke, Reply<SentMessage> reply);
  /// Of a pin that is taken back: the message that did so already, when nothing has pinned it since.
  std::optional<SentMessage> unpinned_by(const SendMessage& request, const Jid& chat) const;
  /// Ends what was not sealed yet, scheduled or waiting.
  Outbox::Cancelled end(const std::string& id, const std::string& why);
  /// The same of the members of an album.
  void end_members(const storage::MessageRow& head, const std::string& why);
  /// Where it goes, when anything can go there.
  Outcome<Jid> open_chat(const SendMessage& request);
  Outcome<storage::MessageRow> compose(const SendMessage& request, const Jid& chat);
  void take_in(const SendMessage& request, storage::MessageRow message);
  void put_off(const SendMessage& request, storage::MessageRow message);
  void tell_new(const storage::MessageRow& message);
  /// Gives the other id of its chat.
  std::optional<Jid> announce(const storage::MessageRow& message);
  void release(Schedule::Item scheduled);
  void withdraw(const Schedule::Item& scheduled, const std::string& why);

  Context& c_;
  Directory& directory_;
  Sealer& sealer_;
  AddOns& add_ons_;
  Outbox& outbox_;
  Idempotency idempotency_;
  Schedule schedule_;
};

}  // namespace wharf::sessions
