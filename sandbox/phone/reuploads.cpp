#include "sandbox/phone/reuploads.h"

#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "protocol/stanzas/ack.h"
#include "sandbox/phone/media_messages.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::MediaRetryOutcome;
using protocol::Result;

void PhoneReuploads::on_request(const Node& receipt) {
  const auto from = receipt.jid("from");
  const auto asker = from ? c_.key_of(*from) : std::nullopt;
  const auto request = protocol::read_media_retry_receipt(receipt);
  const bool own_companion = asker && asker->phone == c_.account.phone && asker->device != 0;
  if (!own_companion || !request || mode_ == MediaRetryMode::silent)
    return c_.send(protocol::ack_for(receipt, std::nullopt));
  if (mode_ == MediaRetryMode::not_found) return refuse(receipt, *request, MediaRetryOutcome::not_found);
  if (mode_ == MediaRetryMode::general_error) return refuse(receipt, *request, MediaRetryOutcome::general_error);

  const PhoneLog::Behind* known = behind(*request);
  const auto file = known != nullptr ? file_of(known->encoded) : protocol::Error(Errc::not_found, "no such message");
  if (!file || !file->reference.hashes.file_enc_sha256) return refuse(receipt, *request, MediaRetryOutcome::not_found);
  const auto key = file->reference.key;
  if (!protocol::check_media_retry_request(*request, key))
    return refuse(receipt, *request, MediaRetryOutcome::decryption_error);
  files_.upload_again(
      file->kind, *file->reference.hashes.file_enc_sha256,
      [this, here = std::weak_ptr(c_.alive), receipt, asked = *request, key](const Result<PhoneFiles::Place>& place) {
        if (here.expired() || !c_.powered()) return;  // the request comes again
        if (!place) {
          const bool lost = place.error().code == Errc::not_found;
          return refuse(receipt, asked, lost ? MediaRetryOutcome::not_found : MediaRetryOutcome::general_error);
        }
        const protocol::MediaRetryAnswer success{MediaRetryOutcome::success, place->direct_path, {}};
        answer(receipt, protocol::media_retry_notification(asked.id, *receipt.jid("from"), c_.now(), asked.message,
                                                           success, key, c_.random()));
      });
}

/// In the chat that the companion names, of whom it names; nullptr: this phone does not know it.
const PhoneLog::Behind* PhoneReuploads::behind(const protocol::MediaRetryRequest& request) const {
  if (!request.message) return nullptr;
  const auto& named = *request.message;
  const auto chat = chats_.name_of(named.chat);
  const auto who = c_.key_of(named.participant.value_or(named.chat));
  if (!named.from_me && !who) return nullptr;
  const std::string& author = named.from_me ? c_.account.phone : who->phone;
  const PhoneMessage* shown = log_.find(author, request.id);
  return shown != nullptr && shown->chat == chat ? log_.behind(author, request.id) : nullptr;
}

void PhoneReuploads::refuse(const Node& receipt, const protocol::MediaRetryRequest& request, MediaRetryOutcome why) {
  answer(receipt, protocol::media_retry_error(request.id, *receipt.jid("from"), c_.now(), request.message, why));
}

void PhoneReuploads::answer(const Node& receipt, Node notification) {
  c_.send(notification.set("to", *receipt.jid("from")));
  c_.send(protocol::ack_for(receipt, std::nullopt));
}

// --- rows

void PhoneReuploads::save(boost::json::object& core) const { core["mediaRetry"] = static_cast<int>(mode_); }

void PhoneReuploads::load(const boost::json::object& core) {
  const auto* mode = core.if_contains("mediaRetry");  // absent of an earlier release
  if (mode == nullptr) return;
  const auto number = mode->to_number<int>();
  if (number >= 0 && number <= static_cast<int>(MediaRetryMode::silent)) mode_ = static_cast<MediaRetryMode>(number);
}

}  // namespace wharf::sandbox
