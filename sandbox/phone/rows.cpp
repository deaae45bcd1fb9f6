// A phone on disk, in rows, each by the part that owns it; the phone's own row by all. They hold private keys: they
// belong to the sandbox's own state file and to nothing else. What can be asked for again (device lists, open
// questions, what the network still queues) is not kept.

#include <boost/json.hpp>

#include "sandbox/phone/state.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

// --- out

std::optional<Bytes> Phone::State::row(const RowKey& key) const {
  switch (key.kind) {
    case RowKind::phone: return core_row();
    case RowKind::phone_session: return sessions.row(key.name);
    case RowKind::phone_key: return keys.row(key.name);
    case RowKind::phone_account_key: return account_keys.row(key.name);
    case RowKind::phone_message: return log.row(number_in_row(key.name));
    case RowKind::phone_sent: return sent.row(key.name);
    case RowKind::phone_withheld: return receipts.row(key.name);
    case RowKind::phone_outbox: return context.outbox_row();
    case RowKind::phone_group: return groups.row(key.name);
    case RowKind::phone_own_sender_key: return sender_keys.own_row(key.name);
    case RowKind::phone_sender_key: return sender_keys.row(key.name);
    default: return std::nullopt;
  }
}

Bytes Phone::State::core_row() const {
  boost::json::object core;
  keys.save(core);
  companions.save(core);
  core["powered"] = context.powered();
  receipts.save(core);
  auto_replies.save_read(core);
  core["signedKeys"] = keys.saved_signed_keys();
  core["linked"] = companions.saved_linked();
  core["waitingBootstraps"] = bootstrap.saved();
  app_state.save(core);
  auto_replies.save_rule(core);
  reuploads.save(core);
  people.save(core);
  return packed(core);
}

// --- in

void Phone::State::restore(const RowKey& key, ByteView row) {
  switch (key.kind) {
    case RowKind::phone: return restore_core(row);
    case RowKind::phone_session: return sessions.restore(key.name, row);
    case RowKind::phone_key: return keys.restore(key.name, row);
    case RowKind::phone_account_key: return account_keys.restore(key.name, row);
    case RowKind::phone_message: return log.restore(number_in_row(key.name), row);
    case RowKind::phone_sent: return sent.restore(row);
    case RowKind::phone_withheld: return receipts.restore(key.name, stanza_of(row));
    case RowKind::phone_outbox: return context.restore_outbox(stanza_of(row));
    case RowKind::phone_group: return groups.restore(key.name, row);
    case RowKind::phone_own_sender_key: return sender_keys.restore_own(key.name, row);
    case RowKind::phone_sender_key: return sender_keys.restore(key.name, row);
    default: damaged("a row of an unknown kind");
  }
}

void Phone::State::restore_core(ByteView row) {
  const auto core = unpacked(row);
  keys.load(core);
  companions.load(core);
  receipts.load(core);
  auto_replies.load(core);
  bootstrap.load(core);
  app_state.load(core);
  reuploads.load(core);
  people.load(core);
  start_powered_ = core.at("powered").as_bool();
}

void Phone::State::restored() {
  for (const SentMessage* message : sent.restored()) {
    // What had left is sent again as it was; what had not goes on waiting in its chat.
    if (message->queued) {
      sending.restore(*message);
    } else if (!message->acked && !message->stanza.tag.empty()) {
      transmission.restore(message->id);
    }
  }
  if (!context.account.devices[0].has_keys) keys.publish();
  if (start_powered_) power_on();
}

}  // namespace wharf::sandbox
