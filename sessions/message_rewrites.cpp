#include "sessions/message_rewrites.h"

#include <variant>

namespace wharf::sessions {

using storage::AckLevel;

bool rewrite_message(storage::MessageRow& row, const storage::Change& change, const protocol::Jid& chat) {
  if (const auto* edit = std::get_if<storage::EditMessage>(&change)) {
    if (edit->from_me == row.from_me && edit->chat == chat && row.revoked_at == 0 && row.edited_at <= edit->at) {
      row.body = edit->body;
      row.mentions = edit->mentions;
      row.edited_at = edit->at;
      if (edit->details) row.details = *edit->details;
      if (!edit->content.empty()) row.content = edit->content;
    }
    return true;
  }
  if (const auto* revoke = std::get_if<storage::RevokeMessage>(&change)) {
    if (revoke->from_me == row.from_me && revoke->chat == chat && row.revoked_at == 0) {
      row.body.clear();
      row.content.clear();
      row.details.clear();
      row.quoted_id.clear();
      row.mentions.clear();
      row.starred_at = row.pinned_until = 0;
      row.revoked_at = revoke->at;
    }
    return true;
  }
  if (const auto* release = std::get_if<storage::ReleaseMessage>(&change)) {
    if (row.from_me && release->chat == chat && row.ack == AckLevel::scheduled) {
      row.ack = AckLevel::pending;
      row.timestamp = row.created_at = release->at;
    }
    return true;
  }
  if (const auto* withdraw = std::get_if<storage::WithdrawMessage>(&change)) {
    if (row.from_me && withdraw->chat == chat && row.ack == AckLevel::scheduled) {
      row.ack = AckLevel::withdrawn;
      row.timestamp = row.created_at;  // where it stands since it was accepted
      row.error = withdraw->error;
    }
    return true;
  }
  if (const auto* opened = std::get_if<storage::PutOpened>(&change)) {
    if (opened->from_me == row.from_me && opened->chat == chat && !row.content.empty()) {
      row.kind = opened->kind;
      row.body = opened->body;
      row.details = opened->details;
      row.content = opened->content;
      row.said_at = opened->said_at;
    }
    return true;
  }
  if (const auto* put = std::get_if<storage::PutContent>(&change)) {
    if (put->from_me == row.from_me && put->chat == chat && row.revoked_at == 0) row.content = put->content;
    return true;
  }
  if (const auto* star = std::get_if<storage::PutStar>(&change)) {
    if (star->from_me == row.from_me && star->chat == chat && row.revoked_at == 0) row.starred_at = star->at;
    return true;
  }
  if (const auto* pin = std::get_if<storage::PutPin>(&change)) {
    if (pin->from_me == row.from_me && pin->chat == chat && row.revoked_at == 0 && row.pinned_at <= pin->at) {
      row.pinned_until = pin->until;
      row.pinned_by = pin->by;
      row.pinned_at = pin->at;
    }
    return true;
  }
  const auto* details = std::get_if<storage::PutDetails>(&change);
  if (details != nullptr && details->from_me == row.from_me && details->chat == chat) row.details = details->details;
  return details != nullptr;
}

}  // namespace wharf::sessions
