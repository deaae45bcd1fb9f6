// Handlers of the pictures of groups, people, channels and the own account. What is given is cut to the square in its
// middle; what is asked for is where WhatsApp has it: the address expires within hours, the id does not.
#include <fmt/format.h>

#include <utility>

#include "api/channel_request.h"
#include "api/chat_id.h"
#include "api/contact_json.h"
#include "api/contact_request.h"
#include "api/group_request.h"
#include "api/handlers.h"
#include "api/media_source.h"
#include "api/picture_preparation.h"
#include "api/schemas.h"

namespace wharf::api {
namespace {

namespace groups = protocol::groups;
using protocol::Bytes;
using protocol::Jid;
using protocol::PictureState;
using sessions::GroupAnswer;
using sessions::PictureView;

/// The one picture that a body brings, as the JPEG that WhatsApp takes. `done` does not run when it is answered.
void take_picture(const ServicesPtr& services, const CallPtr& call, std::function<void(Bytes)> done) {
  if (call->body.if_contains("files")) return refuse_field(call, "files", "must not be there: there is one picture");
  if (refuses_field_of_others(call, schemas::set_picture)) return;
  if (!services->preparations) return call->failure(Failure(ErrorCode::not_implemented, "this server keeps no files"));
  auto wanted = wanted_files(call);
  if (auto* failed = std::get_if<Failure>(&wanted)) return call->failure(*failed);
  auto& files = std::get<0>(wanted);
  if (files.size() > 1) return refuse_field(call, files[1].field, "must not be there: there is one picture");
  // As no kind of message: its bytes are wanted, wherever they are.
  open_source(services, call, protocol::MessageKind::unknown, std::move(files.front()),
              [services, call, done = std::move(done)](MediaSource source) {
                if (auto* failed = std::get_if<Failure>(&source)) return call->failure(*failed);
                if (!std::holds_alternative<TakenFile>(source))
                  return refuse_field(call, "mediaMessageId", "must be a message with a picture");
                prepare_picture(services, std::move(std::get<TakenFile>(source)),
                                [call, done](std::variant<Bytes, Failure> picture) {
                                  run_guarded(call, [&] {
                                    if (auto* failed = std::get_if<Failure>(&picture)) return call->failure(*failed);
                                    done(std::move(std::get<Bytes>(picture)));
                                  });
                                });
              });
}

void answer_set(const CallPtr& call, const PersonHead& who, std::string_view picture_id) {
  JsonWriter out(96);
  call->success(begin_about(out, who).text("pictureId", picture_id).end_object().take());
}

void answer_removed(const CallPtr& call, const PersonHead& who) {
  JsonWriter out(64);
  call->success(begin_about(out, who).boolean("removed", true).end_object().take());
}

Failure no_picture() { return Failure(ErrorCode::media_not_found, "it has no picture"); }

/// Of a group; WhatsApp says 404 of one without a picture.
bool is_without_picture(const sessions::Outcome<GroupAnswer>& answer) {
  if (!answer) return answer.error().code == protocol::Errc::not_found;
  return !answer->picture || answer->picture->id.empty();
}

void answer_where(const CallPtr& call, const PersonHead& who, std::string_view picture_id, std::string_view type,
                  std::string_view url) {
  JsonWriter out(512);
  begin_about(out, who).text("pictureId", picture_id).text("type", type);
  call->success(out.text_if("url", url).end_object().take());
}

}  // namespace

// --- of groups

void set_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  take_picture(services, call, [services, call, group = *group](Bytes jpeg) {
    ask_group(services, call, groups::SetPicture{group, std::move(jpeg)},
              [call, group](const GroupAnswer& answer) { answer_set(call, {group.to_string()}, answer.picture_id); });
  });
}

void remove_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  // WhatsApp says that it has removed one that was not there.
  ask(services, call, sessions::AskGroup{groups::GetPicture{*group, true, {}}},
      [services, call, group = *group](const sessions::Outcome<GroupAnswer>& there) {
        if (is_without_picture(there)) return call->failure(no_picture());
        ask_group(services, call, groups::RemovePicture{group},
                  [call, group](const GroupAnswer&) { answer_removed(call, {group.to_string()}); });
      });
}

void get_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  ask(services, call, sessions::AskGroup{groups::GetPicture{*group, call->query.boolean("preview"), {}}},
      [call, group = *group](const sessions::Outcome<GroupAnswer>& answer) {
        if (is_without_picture(answer)) return call->failure(no_picture());
        if (!answer) return call->failure(failure_of(call, answer.error()));
        answer_where(call, {group.to_string()}, answer->picture->id, answer->picture->type, answer->picture->url);
      });
}

// --- of people and the own account

namespace {

void get_picture(const ServicesPtr& services, const CallPtr& call, const Jid& user, PersonHead who) {
  ask_session(
      services, call, sessions::GetPicture{user, call->query.boolean("preview"), false},
      [call, who = std::move(who)](const PictureView& picture) {
        const PictureState& state = picture.state;
        if (state.kind == PictureState::Kind::hidden)
          return call->failure(Failure(ErrorCode::forbidden, "the privacy settings of this person hide the picture"));
        if (state.kind == PictureState::Kind::none || state.id.empty()) return call->failure(no_picture());
        const bool preview = state.size == protocol::PictureSize::preview;
        answer_where(call, who, state.id, preview ? "preview" : "image", state.url);
      });
}

PersonHead own_head(const sessions::SessionView& view, Dialect dialect) {
  events::PersonIds ids;
  ids.pn = view.jid.user_jid();
  if (!view.lid.empty()) ids.lid = view.lid.user_jid();
  return person_head(view.jid.user_jid(), ids, dialect);
}

}  // namespace

void get_contact_picture(const ServicesPtr& services, const CallPtr& call) {
  if (const auto contact = contact_of(services, call))
    get_picture(services, call, contact->jid, person_head(contact->jid, contact->ids, call->dialect));
}

void get_own_picture(const ServicesPtr& services, const CallPtr& call) {
  if (const auto view = linked_session_of(services, call))
    get_picture(services, call, view->jid.user_jid(), own_head(*view, call->dialect));
}

void set_own_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto view = linked_session_of(services, call);
  if (!view) return;
  take_picture(services, call, [services, call, who = own_head(*view, call->dialect)](Bytes jpeg) {
    ask_session(services, call, sessions::SetOwnPicture{std::move(jpeg)},
                [call, who](const std::string& picture_id) { answer_set(call, who, picture_id); });
  });
}

void remove_own_picture(const ServicesPtr& services, const CallPtr& call) {
  if (const auto view = linked_session_of(services, call))
    ask_session(services, call, sessions::SetOwnPicture{},
                [call, who = own_head(*view, call->dialect)](const std::string&) { answer_removed(call, who); });
}

// --- of channels

void set_channel_picture(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const protocol::Jid& channel) {
    take_picture(services, call, [services, call, channel](Bytes jpeg) {
      protocol::UpdateChannel update;
      update.channel = channel;
      update.picture = std::move(jpeg);
      ask_channel(services, call, std::move(update));
    });
  });
}

// It says both sizes, or the one that there is.
void get_channel_picture(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const Jid& channel) {
    protocol::FetchChannel fetch;
    fetch.key = channel;
    fetch.view_role = protocol::ChannelRole::guest;
    ask_session(services, call, sessions::AskChannel{std::move(fetch)}, [=](const sessions::ChannelAnswer& answer) {
      const auto& image = answer.metadata.picture;
      const auto& preview = answer.metadata.preview;
      const bool small = preview && (call->query.boolean("preview") || !image);
      const auto& picture = small ? preview : image;
      if (!picture) return call->failure(no_picture());
      ask_session(services, call, sessions::LocatePicture{picture->direct_path},
                  [call, channel, small, id = picture->id](const std::string& url) {
                    answer_where(call, {channel.to_string()}, id, small ? "preview" : "image", url);
                  });
    });
  });
}

void remove_channel_picture(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const protocol::Jid& channel) {
    protocol::UpdateChannel update;
    update.channel = channel;
    update.picture.emplace();
    ask_channel(services, call, std::move(update));
  });
}

}  // namespace wharf::api
