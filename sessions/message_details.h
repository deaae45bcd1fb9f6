#pragma once
// What a message holds beside its text, as the one JSON object that its row and its events carry (events/message.h,
// `details`): made once, when the message comes or is composed, and shown as it stands, but for the address that a file
// gets (api/dialect.cpp). `media` and `preview` are the first member where there are, and never empty. "" when there is
// nothing.
//
//   location     {latitude, longitude, name?, address?, url?, accuracy?}      locations, live ones too
//   preview      {url, title?, description?}                                 of an address in a text
//   contacts     [{name, vcard}]
//   poll         {name, options[], selectableCount}                          0: any number
//   calendarEvent {name, description?, startTime?, endTime?, joinLink?, extraGuestsAllowed?, cancelled?, location?}
//                times in unix seconds
//   groupInvite  {groupId, code, groupName?, expiresAt?}
//   album        {images, videos}
//   reply        {id, params?}                             what was chosen of buttons, lists, flows
//   media        {mimetype, size, filename?, width?, height?, seconds?, pages?, animated?}
//   unknownKind  the name of a kind that is kept and not shown
//   albumId      of a picture or video: the id of the message with `album` that it belongs to
//   style        {backgroundColor, textColor?, font?}       of a text as status post; colours "#RRGGBB", fonts by
//   number broadcast    it came through a broadcast list of its author; the last member viewOnce, isForwarded,
//   forwardingScore, expiresAfter (seconds), mentionsAll

#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/content.h"
#include "storage/messages.h"

namespace wharf::sessions {

/// It shows nothing itself: what ends it ends its pictures and videos too (Records::album_members).
inline bool is_album(const storage::MessageRow& message) {
  return message.kind == protocol::name(protocol::MessageKind::album);
}

/// `by_list`: it came through a broadcast list.
std::string message_details(const protocol::IncomingMessage& content, bool by_list = false);
inline bool came_by_list(const storage::MessageRow& message) {
  return message.details.ends_with(R"("broadcast":true})");
}
/// Its details begin with `preview`.
inline bool has_preview(const storage::MessageRow& message) { return message.details.starts_with(R"({"preview":)"); }
/// {"preview":…} of an edit that brings one; "" else.
std::string edit_details(const protocol::Edit& edit);
/// {"selectedOptions":[…]}: what a vote chooses.
std::string vote_details(const std::vector<std::string>& options);
/// {"response":"going","extraGuests":0}: what somebody answered to an event.
std::string answer_details(const protocol::EventResponse& response);
/// going, notGoing, maybe
std::string_view answer_name(protocol::EventResponse::Answer answer);

}  // namespace wharf::sessions
