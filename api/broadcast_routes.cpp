// One text to many people, each as a message of its own chat: lists as phones have them are on phones alone (05 section
// 11). What is accepted for one says nothing of the others, so each has its own outcome.
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/handlers.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "protocol/crypto/hash.h"
#include "storage/outbox.h"

namespace wharf::api {
namespace {

using protocol::Jid;
using sessions::Outcome;
using sessions::SendMessage;
using sessions::SentMessage;

constexpr std::size_t result_bytes = 256;  // of JSON, about

std::string hash_of(std::string_view text) { return protocol::to_hex(protocol::sha256(protocol::as_bytes(text))); }

/// The messages of one request on their way into the queue, one after another. It lives in its pending reply.
class Broadcast : public std::enable_shared_from_this<Broadcast> {
 public:
  Broadcast(ServicesPtr services, CallPtr call, storage::SessionId session, std::vector<Jid> recipients,
            std::string key)
      : services_(std::move(services)),
        call_(std::move(call)),
        session_(session),
        recipients_(std::move(recipients)),
        key_(std::move(key)),
        out_(recipients_.size() * result_bytes + 32) {
    out_.begin_object().key("results").begin_array();
  }

  void go_on() {
    if (next_ == recipients_.size()) {
      out_.end_array().number("accepted", accepted_).number("failed", static_cast<std::int64_t>(next_) - accepted_);
      return call_->success(out_.end_object().take());
    }
    ask(services_, call_, message_for(recipients_[next_]),
        [self = shared_from_this()](const Outcome<SentMessage>& sent) { self->on_answer(sent); });
  }

 private:
  SendMessage message_for(const Jid& recipient) const {
    SendMessage message;
    message.chat = recipient;
    message.content = std::string(text_of(call_->body, "content"));
    const std::string_view priority = text_of(call_->body, "priority", "low");
    message.priority = priority == "high"     ? storage::Priority::high
                       : priority == "normal" ? storage::Priority::normal
                                              : storage::Priority::low;
    if (key_.empty()) return message;
    message.idempotency_key = part_key(recipient);
    message.request_hash = hash_of(text_of(call_->body, "content"));
    message.whole = SendMessage::Whole{key_, hash_of("broadcast\n" + std::string(text_of(call_->body, "content")))};
    return message;
  }

  /// Each has its own part in the request, so that one that was interrupted goes on where it stood. That of a person
  /// goes by the number, whatever the spelling; or by the LID, where it was accepted before the number was known.
  std::string part_key(const Jid& recipient) const {
    const auto& supervisor = services_->ports.supervisor;
    const auto key_of = [&](const Jid& name) { return "broadcast-" + hash_of(key_ + "\n" + name.to_string()); };
    const auto ids = supervisor.person(session_, supervisor.canonical_chat(session_, recipient));
    const auto number = recipient.is_phone_number() ? recipient : ids.pn.value_or(recipient);
    if (!ids.lid || *ids.lid == number) return key_of(number);
    std::string by_lid = key_of(*ids.lid);
    const bool accepted = storage::find_idempotency(services_->ports.store.reader(), session_, by_lid, 0).has_value();
    return accepted ? by_lid : key_of(number);
  }

  void on_answer(const Outcome<SentMessage>& sent) {
    const Jid& recipient = recipients_[next_++];
    if (sent) {
      ++accepted_;
      begin_sent(out_, *sent, call_->dialect);
      if (sent->replayed) out_.boolean("replayed", true);
      if (sent->deleted) out_.boolean("deleted", true);
      if (!sent->error.empty()) write_error(Failure(ErrorCode::message_failed, sent->error));
    } else {
      Failure failure = send_failure(call_, sent.error());
      // The key stands for another request: nothing of this one is sent, as of any other.
      if (failure.code == ErrorCode::idempotency_key_reused && accepted_ == 0) return call_->failure(failure);
      const auto& supervisor = services_->ports.supervisor;
      const Jid chat = supervisor.canonical_chat(session_, recipient);
      const PersonText who = person_text(chat, supervisor.person(session_, chat));
      out_.begin_object().text("chatId", jid_text(who.id, who.pn, call_->dialect)).text_if("chatLid", who.lid);
      write_error(failure);
    }
    out_.end_object();
    go_on();
  }

  void write_error(const Failure& failure) {
    const ErrorRow& row = error_row(failure.code);
    out_.key("error").begin_object().text("code", call_->dialect == Dialect::gateway ? row.gateway : row.openwa);
    out_.text("message", failure.message).end_object();
  }

  ServicesPtr services_;
  CallPtr call_;
  storage::SessionId session_;
  std::vector<Jid> recipients_;
  std::string key_;  // the request's Idempotency-Key; "" without
  JsonWriter out_;
  std::size_t next_ = 0;
  std::int64_t accepted_ = 0;
};

}  // namespace

void send_broadcast(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  if (says(call->body, "type") && text_of(call->body, "type") != "text")
    return refuse_field(call, "type", "must be text: a broadcast is one text to many");
  if (refuses_field_of_others(call, schemas::send_broadcast)) return;
  for (const char* name : {"waitFor", "timeout"})
    if (call->query.has(name))
      return refuse_field(call, name, "is for one message: the ack events tell of each of a broadcast");
  if (blank(text_of(call->body, "content"))) return refuse_field(call, "content", "must not be blank");
  auto recipients = people_once(services, call, *view, "recipients", {});
  if (!recipients) return;
  if (view->jid.empty())
    return call->failure(Failure(ErrorCode::session_not_ready, "the session is not linked to a WhatsApp account"));
  std::string key;
  if (call->request.has_header("idempotency-key")) {
    key = call->request.header("idempotency-key");
    constexpr std::size_t max_key_bytes = 255;
    if (key.empty() || key.size() > max_key_bytes)
      return refuse_field(call, "Idempotency-Key", "must be 1 to 255 characters");
  }
  std::make_shared<Broadcast>(services, call, view->id, std::move(*recipients), std::move(key))->go_on();
}

}  // namespace wharf::api
