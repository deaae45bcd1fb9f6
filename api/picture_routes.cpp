// Handlers of the pictures of groups. What is given is cut to the square in its middle; what is asked for is where
// WhatsApp has it: the address expires within hours, the id does not.
#include <fmt/format.h>

#include <utility>

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
using sessions::GroupAnswer;

void set_picture(const ServicesPtr& services, const CallPtr& call, const Jid& group, Bytes jpeg) {
  ask_group(services, call, groups::SetPicture{group, std::move(jpeg)}, [call, group](const GroupAnswer& answer) {
    JsonWriter out(96);
    call->success(
        out.begin_object().text("id", group.to_string()).text("pictureId", answer.picture_id).end_object().take());
  });
}

void answer_picture(const CallPtr& call, const Jid& group, const std::optional<groups::Picture>& picture) {
  if (!picture || picture->id.empty()) return call->failure(Failure(ErrorCode::media_not_found, "it has no picture"));
  JsonWriter out(512);
  out.begin_object().text("id", group.to_string()).text("pictureId", picture->id).text("type", picture->type);
  call->success(out.text_if("url", picture->url).end_object().take());
}

}  // namespace

void set_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  if (!services->preparations) return call->failure(Failure(ErrorCode::not_implemented, "this server keeps no files"));
  auto wanted = wanted_files(call);
  if (auto* failed = std::get_if<Failure>(&wanted)) return call->failure(*failed);
  auto& files = std::get<0>(wanted);
  if (files.size() > 1) return refuse_field(call, files[1].field, "must not be there: a group has one picture");
  // As no kind of message: its bytes are wanted, wherever they are.
  open_source(services, call, protocol::MessageKind::unknown, std::move(files.front()),
              [services, call, group = *group](MediaSource source) {
                if (auto* failed = std::get_if<Failure>(&source)) return call->failure(*failed);
                if (!std::holds_alternative<TakenFile>(source))
                  return refuse_field(call, "mediaMessageId", "must be a message with a picture");
                prepare_picture(services, std::move(std::get<TakenFile>(source)),
                                [services, call, group](std::variant<Bytes, Failure> picture) {
                                  run_guarded(call, [&] {
                                    if (auto* failed = std::get_if<Failure>(&picture)) return call->failure(*failed);
                                    set_picture(services, call, group, std::move(std::get<Bytes>(picture)));
                                  });
                                });
              });
}

void remove_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  ask_group(services, call, groups::RemovePicture{*group}, [call, group = *group](const GroupAnswer&) {
    JsonWriter out(64);
    call->success(out.begin_object().text("id", group.to_string()).boolean("removed", true).end_object().take());
  });
}

void get_group_picture(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  ask(services, call, sessions::AskGroup{groups::GetPicture{*group, call->query.boolean("preview"), {}}},
      [call, group = *group](const sessions::Outcome<GroupAnswer>& answer) {
        // WhatsApp says 404 of a group without a picture.
        if (!answer && answer.error().code == protocol::Errc::not_found) return answer_picture(call, group, {});
        if (!answer) return call->failure(failure_of(call, answer.error()));
        answer_picture(call, group, answer->picture);
      });
}

}  // namespace wharf::api
