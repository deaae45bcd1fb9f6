// What users ask of a session, one overload for each operation of commands.h. What is longer than a few lines belongs
// to the part that it is about.
#include <utility>

#include "events/event.h"
#include "sessions/media/folder_copies.h"
#include "sessions/media/stored_media.h"
#include "sessions/message_details.h"
#include "sessions/session.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using std::chrono::seconds;

void Session::start() {
  Context& c = context_;
  c.row.stopped = false;
  c.row_changed();
  if (c.logged_out()) wipe();
  backoff_.reset();
  c.link.connect();
  c.set_status(c.device.linked() ? Status::authenticated : Status::initializing, std::nullopt);
  pairing_.begin();
  c.turn.effects.emplace_back(OpenLink{milliseconds(0), c.link.epoch()});
}

void Session::stop(Status status) {
  Context& c = context_;
  if (status == Status::terminated) {
    c.row.stopped = true;
    c.row_changed();
  }
  Departure end;
  end.status = status;
  end.why = c.reason;
  leave_link(std::move(end));
}

void Session::wipe() {
  Context& c = context_;
  acceptance_.cancel_all("the session was logged out");
  reads_.forget_all();
  media_hosts_.expire();  // the token is of the account that is left
  c.records.add(storage::WipeDevice{c.id()});
  c.keys.discard();
  directory_.end_turn(false);
  groups_.end_turn(false);
  group_fanout_.end_turn(false);
  rosters_.end_turn();
  audiences_.end_turn(false);
  book_.end_turn(false);
  tokens_.end_turn(false);
  app_state_.forget();
  account_settings_.forget();
  presence_.forget();
  storage::Changes fresh;
  c.device = new_device(c.id(), c.random, fresh, c.now.unix_ms);
  c.records.append(std::move(fresh));
  c.device_changed();
  c.reason.reset();
}

void Session::unlink(UniqueFunction<void()> then) {
  Context& c = context_;
  if (!c.linked() || !c.link.online()) return then();
  c.query(
      protocol::remove_companion_iq(c.ids.next(), c.device.jid),
      [then = std::move(then)](const Node*) mutable { then(); }, seconds(5));
}

void Session::carry_out(const StartSession&, Reply<SessionView> reply) {
  if (context_.status == Status::failed || context_.status == Status::terminated) start();
  context_.answer_with_view(std::move(reply));
}

void Session::carry_out(const StopSession&, Reply<SessionView> reply) {
  stop(Status::terminated);
  context_.answer_with_view(std::move(reply));
}

void Session::carry_out(const RestartSession&, Reply<SessionView> reply) {
  stop(Status::initializing);
  start();
  context_.answer_with_view(std::move(reply));
}

void Session::carry_out(UpdateSession& update, Reply<SessionView> reply) {
  Context& c = context_;
  if (update.config_json) c.row.config = std::move(*update.config_json);
  if (update.config) {
    const bool showed_online = c.config.shows_online;
    c.config = std::move(*update.config);
    if (c.config.shows_online != showed_online) presence_.on_config();
  }
  if (update.metadata_json) c.row.metadata = std::move(*update.metadata_json);
  c.row_changed();
  c.answer_with_view(std::move(reply));
}

void Session::carry_out(const Logout&, Reply<SessionView> reply) {
  if (!context_.linked()) {
    return context_.answer(std::move(reply), Error(Errc::not_ready, "the session is not linked"));
  }
  unlink([this, reply = std::move(reply)]() mutable {
    // Another logout or a removal may have come first, or run inside stop(), which ends what waits for the connection.
    if (!removed_ && context_.linked()) stop(Status::terminated);
    if (!removed_ && context_.linked()) wipe();
    context_.answer_with_view(std::move(reply));
  });
}

void Session::carry_out(const RemoveSession&, Reply<void> reply) {
  unlink([this, reply = std::move(reply)]() mutable {
    Context& c = context_;
    if (!removed_) stop(Status::terminated);
    if (!std::exchange(removed_, true)) {
      acceptance_.release_files();
      c.finish_turn();  // what the end itself changed, before the rows disappear
      remove_session_from_folder(c);
      c.records.add(storage::RemoveSession{c.id()});
      c.turn.effects.emplace_back(Finished());
    }
    c.answer(std::move(reply), Outcome<>());
  });
}

void Session::carry_out(const RequestPairingCode& request, Reply<PairingCode> reply) {
  pairing_.request_code(request.phone, std::move(reply));
}

void Session::carry_out(const SendMessage& message, Reply<SentMessage> reply) {
  acceptance_.accept(message, std::move(reply));
}

void Session::carry_out(const CancelMessage& cancel, Reply<SentMessage> reply) {
  acceptance_.cancel(cancel, std::move(reply));
}

void Session::carry_out(const SendMessages& several, Reply<std::vector<SentMessage>> reply) {
  acceptance_.accept(several, std::move(reply));
}

void Session::carry_out(const FindSent& wanted, Reply<std::vector<SentMessage>> reply) {
  context_.answer(std::move(reply), acceptance_.find(wanted));
}

void Session::carry_out(const FetchMedia& wanted, Reply<void> reply) { downloads_.fetch(wanted, std::move(reply)); }

namespace {

/// A message of its own, of the side and the chat that are named; else of two with one id the own one.
template <class Asked>
Outcome<storage::MessageRow> message_of(const Context& c, Directory& directory, const Asked& asked) {
  auto row = asked.chat ? c.records.find_message(directory.canonical_user(*asked.chat), asked.message, asked.from_me)
                        : c.records.find_message_of_either(asked.message, asked.from_me);
  if (!row) return Refusal(Errc::not_found, Subject::message, "no message " + asked.message);
  if (!row->target_id.empty())
    return Refusal(Errc::unsupported, Subject::message, "it is itself about another message");
  return std::move(*row);
}

}  // namespace

void Session::remove_message(const storage::MessageRow& row) {
  Context& c = context_;
  if (row.from_me) acceptance_.forget_message(row.id);
  // Of a cache: what another message has of the same file is fetched again.
  if (const auto media = stored_media(row)) {
    c.release_file(media_name(media->reference, media->kind), false);
  }
  remove_from_folder(c, row);
  c.records.add(storage::RemoveMessage{c.id(), row.chat, row.id, row.from_me});
  c.emit(events::MessageDeleted{row.id, row.chat, directory_.person(row.chat), row.from_me, c.now.unix_ms});
}

void Session::carry_out(const RemoveMessage& remove, Reply<void> reply) {
  Context& c = context_;
  const auto row = message_of(c, directory_, remove);
  if (!row) return c.answer(std::move(reply), row.error());
  // An album's head shows nothing: it goes with its pictures.
  const auto members = is_album(*row) ? c.records.album_members(*row) : std::vector<std::string>();
  // The last one first, as in Acceptance::end_members.
  for (auto id = members.rbegin(); id != members.rend(); ++id) {
    const auto member = c.records.find_message(row->chat, *id);
    if (member && member->from_me == row->from_me) remove_message(*member);
  }
  remove_message(*row);
  c.answer(std::move(reply), Outcome<>());
}

void Session::carry_out(const StarMessage& star, Reply<void> reply) {
  Context& c = context_;
  const auto row = message_of(c, directory_, star);
  if (!row) return c.answer(std::move(reply), row.error());
  if (!events::in_conversation(row->ack))
    return c.answer(std::move(reply), Refusal(Errc::unsupported, Subject::message, "it was not sent, or not yet"));
  if (row->revoked_at != 0)
    return c.answer(std::move(reply),
                    Refusal(Errc::unsupported, Subject::message, "the message was deleted for everyone"));
  if ((row->starred_at != 0) != star.starred) {
    c.records.add(storage::PutStar{c.id(), row->chat, row->id, row->from_me, star.starred ? c.now.unix_ms : UnixMs{0}});
    c.emit(events::MessageStarred{row->id, row->chat, directory_.person(row->chat), row->from_me, star.starred,
                                  c.now.unix_ms});
  }
  c.answer(std::move(reply), Outcome<>());
}

void Session::carry_out(const MarkRead& read, Reply<void> reply) {
  context_.answer(std::move(reply), reads_.mark_read(read.chat));
}

void Session::carry_out(const ViewStatus& view, Reply<void> reply) {
  Context& c = context_;
  const auto post = c.records.find_message(protocol::status_jid(), view.message, false);
  const auto refuse = [&](const char* why) {
    c.answer(std::move(reply), Refusal(Errc::unsupported, Subject::message, why));
  };
  if (!post || !post->target_id.empty()) {
    const auto own = c.records.find_message(protocol::status_jid(), view.message, true);
    if (own && own->target_id.empty())
      return refuse("is a status post of this account: nobody is told who sees it here");
    return c.answer(std::move(reply), Refusal(Errc::not_found, Subject::message, "no status post " + view.message));
  }
  if (post->revoked_at != 0) return refuse("the status post was deleted");
  if (post->timestamp + status_lifetime_ms <= c.server_ms()) return refuse("the status post is over a day old");
  c.answer(std::move(reply), reads_.view(*post));
}

void Session::carry_out(const RemoveChat& remove, Reply<void> reply) {
  Context& c = context_;
  const Jid chat = remove.chat.has_devices() ? directory_.canonical_user(remove.chat) : remove.chat.user_jid();
  // What is scheduled is in no chat yet, and goes with it all the same.
  const bool known = c.records.has_chat(chat), ended = acceptance_.forget_chat(chat);
  if (!known && !ended) return c.answer(std::move(reply), Refusal(Errc::not_found, Subject::chat, "no such chat"));
  c.records.add(storage::RemoveChat{c.id(), chat});
  c.answer(std::move(reply), Outcome<>());
}

void Session::carry_out(AskGroup& ask, Reply<GroupAnswer> reply) {
  group_asking_.ask(std::move(ask), std::move(reply));
}

void Session::carry_out(const RejectCall& reject, Reply<void> reply) {
  context_.answer(std::move(reply), calls_.reject(reject.call));
}

void Session::carry_out(const CatchUp&, Reply<void> reply) { context_.answer(std::move(reply), Outcome<>()); }

}  // namespace wharf::sessions
