#include "sessions/media/downloads.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/media/media_retry.h"
#include "protocol/messages/media_location.h"
#include "sessions/log_value.h"
#include "sessions/media/folder_copies.h"

namespace wharf::sessions {

namespace {

Refusal about_media(Errc code, std::string why) { return Refusal(code, Subject::media, std::move(why)); }

Refusal refusal_of(const TransferFailure& failure) {
  using Why = TransferFailure::Why;
  switch (failure.why) {
    case Why::damaged: return about_media(Errc::bad_mac, "the file is not the announced one: " + failure.detail);
    case Why::gone:
      return about_media(Errc::not_found, "the file is no longer on the media servers: " + failure.detail);
    case Why::too_large:
    case Why::refused: return about_media(Errc::refused, failure.detail);
    case Why::local: return about_media(Errc::storage, failure.detail);
    case Why::not_allowed:
    case Why::temporary: break;
  }
  return about_media(Errc::network, "the file could not be downloaded: " + failure.detail);
}

}  // namespace

Outcome<bool> Downloads::want(const FetchMedia& asked) {
  const std::string& id = asked.message;
  const auto message = asked.chat ? c_.records.find_message(directory_.canonical_user(*asked.chat), id)
                                  : c_.records.find_message_of_either(id);
  if (!message) return Refusal(Errc::not_found, Subject::message, "no message " + id);
  auto media = stored_media(*message);
  if (!media) return media.error();
  return want(id, message->chat, message->from_me, std::move(*media));
}

Outcome<bool> Downloads::want(const std::string& id, const Jid& chat, bool from_me, StoredMedia media) {
  if (const auto found = wanted_.find(id); found != wanted_.end()) {
    if (found->second.chat == chat && found->second.from_me == from_me) return false;
    return about_media(Errc::rate_limited, "the file of another message with this id is being fetched");
  }
  if (wanted_.size() >= max_wanted)
    return about_media(Errc::rate_limited, "too many files of this session are being fetched");
  Wanted& wanted = wanted_[id];
  wanted.chat = chat;
  wanted.from_me = from_me;
  wanted.media = std::move(media);
  return true;
}

std::optional<storage::MessageRow> Downloads::message_of(const std::string& id, const Wanted& wanted) const {
  auto row = c_.records.find_message(wanted.chat, id, wanted.from_me);
  return row ? std::move(row) : c_.records.find_message_by_id(id, wanted.from_me);
}

void Downloads::fetch(const FetchMedia& asked, Reply<void> reply) {
  const auto is_new = want(asked);
  if (!is_new) return c_.answer(std::move(reply), is_new.error());
  wanted_.at(asked.message).waiting.push_back(std::move(reply));
  if (*is_new) begin(asked.message);
}

void Downloads::fetch(const FetchPostFile& asked, Reply<void> reply) {
  auto media = posted_media(asked.channel, asked.content);
  if (!media) return c_.answer(std::move(reply), media.error());
  const std::string id = "post " + std::to_string(asked.server_id) + " of " + asked.channel.to_string();
  const auto is_new = want(id, asked.channel, false, std::move(*media));
  if (!is_new) return c_.answer(std::move(reply), is_new.error());
  wanted_.at(id).waiting.push_back(std::move(reply));
  if (*is_new) begin(id);
}

bool Downloads::fetch_unasked(const std::string& message) {
  if (!room_unasked()) return false;
  const auto is_new = want(FetchMedia{message});
  if (!is_new || !*is_new) return false;
  begin(message);
  return true;
}

void Downloads::begin(const std::string& id) {
  hosts_.get([this, id](const protocol::MediaConn* hosts) {
    if (!wanted_.contains(id)) return;
    // A download needs no token: the hosts of an earlier answer do.
    auto names = hosts != nullptr ? hosts->download_hosts() : hosts_.download_hosts();
    if (names.empty()) return end(id, about_media(Errc::not_ready, "the session is not connected"), true);
    transfer(id, std::move(names));
  });
}

void Downloads::transfer(const std::string& id, std::vector<std::string> hosts) {
  const StoredMedia& media = wanted_.at(id).media;
  // What is not encrypted is asked for without a hash (04 section 4.1), and may have an address of its own.
  auto targets = media.plain
                     ? protocol::download_targets({media.file.static_url, media.file.direct_path, media.file.url}, {},
                                                  media.kind, hosts)
                     : protocol::download_targets({"", media.file.direct_path, media.file.url},
                                                  media.reference.hashes.file_enc_sha256, media.kind, hosts);
  if (!targets)
    return end(id, about_media(Errc::malformed, "the sender announced no usable file: " + targets.error().detail));
  MediaDownload download{media.reference, media.kind, media.file.length, std::move(*targets), media.plain};
  (void)c_.download(std::move(download), [this, id](Transferred<void> result) { on_result(id, std::move(result)); });
}

void Downloads::on_result(const std::string& id, Transferred<void> result) {
  const auto found = wanted_.find(id);
  if (found == wanted_.end()) return;
  if (result) {
    const auto message = message_of(id, found->second);
    if (message) copy_to_folder(c_, *message);
    return end(id, {});
  }
  // What channels have was uploaded for them alone, and no phone uploads it again.
  const bool gone = result.error().why == TransferFailure::Why::gone && !found->second.media.plain;
  // Nobody is told any more that it is there: the next message with this file uploads it.
  const StoredMedia& media = found->second.media;
  const storage::UploadKey file{media.reference.hashes.file_sha256, media.kind};
  if (gone && c_.records.find_upload(file)) c_.records.add(storage::ForgetUpload{c_.id(), file});
  if (gone && !found->second.phone_asked) return ask_phone(id, found->second, result.error().detail);
  end(id, refusal_of(result.error()));
}

void Downloads::ask_phone(const std::string& id, Wanted& wanted, std::string why) {
  if (!c_.link.online() || !c_.linked())
    return end(id,
               about_media(Errc::not_ready, "the file is no longer on the media servers (" + why +
                                                "), and the session is not connected to ask the phone for it"),
               true);
  wanted.phone_asked = true;
  protocol::RetriedMessage message;
  message.chat = fanout_.user_on_wire(wanted.chat, fanout_.addressing(wanted.chat)).value_or(wanted.chat);
  message.from_me = wanted.from_me;
  phone_due_.set(id, in(c_, phone_patience));
  c_.send(protocol::media_retry_receipt(id, c_.device.jid.user_jid(), message, wanted.media.reference.key, c_.random));
}

void Downloads::on_notification(const Node& notification) {
  const auto read = protocol::read_media_retry_notification(notification);
  if (!read) return;
  const auto found = wanted_.find(read->id);
  if (found == wanted_.end() || !phone_due_.armed(read->id)) return;
  Wanted& wanted = found->second;
  const auto answer = protocol::open_media_retry(*read, wanted.media.reference.key);
  if (!answer) return;  // not of whoever has the key: the true answer may still come
  const std::string id = read->id;
  phone_due_.clear(id);
  if (answer->outcome == protocol::MediaRetryOutcome::not_found)
    return end(id, about_media(Errc::not_found,
                               "the file is no longer on the media servers, and the phone has it no more either"));
  if (answer->outcome != protocol::MediaRetryOutcome::success)
    return end(id, about_media(Errc::network,
                               "the file is no longer on the media servers, and the phone could not upload it again"));
  const auto message = message_of(id, wanted);
  if (!message || message->content.empty())
    return end(id, Refusal(Errc::not_found, Subject::message, "the message was deleted"));
  auto content = protocol::with_media_place(message->content, {"", answer->direct_path, ""});
  auto media = stored_media(content);
  if (!media) return end(id, media.error());
  wanted.media = std::move(*media);
  c_.records.add(storage::PutContent{c_.id(), message->chat, id, wanted.from_me, std::move(content)});
  begin(id);
}

void Downloads::on_link_down() {
  std::vector<std::string> asked;
  for (const auto& [id, wanted] : wanted_) {
    if (phone_due_.armed(id)) asked.push_back(id);
  }
  phone_due_.clear();
  for (const std::string& id : asked)
    end(id, about_media(Errc::network, "the connection ended while the phone was asked for the file; try again"), true);
}

void Downloads::on_due() {
  while (const auto id = phone_due_.take_due(c_.now.steady)) {
    end(*id, about_media(Errc::timed_out,
                         "the file is no longer on the media servers, and the phone did not answer within 60 s: is it "
                         "switched on?"));
  }
}

void Downloads::end(const std::string& id, const Outcome<>& outcome, bool cut_off) {
  auto node = wanted_.extract(id);
  if (node.empty()) return;
  phone_due_.clear(id);
  if (!outcome)
    spdlog::warn("download_failed session={} message={} code={} detail={}", c_.row.name, log_value(id),
                 protocol::name(outcome.error().code), log_value(outcome.error().detail));
  for (Reply<void>& reply : node.mapped().waiting) c_.answer(std::move(reply), outcome);
  if (on_end) on_end(node.key(), cut_off);
}

}  // namespace wharf::sessions
