#include "api/file_door.h"

#include <utility>

#include "api/refused_body.h"

namespace wharf::api {

FileDoor file_door(NewMediaWriter new_writer, std::uint64_t max_file_bytes,
                   std::function<std::optional<Failure>(const std::string& session)> refusal) {
  FileDoor door;
  door.open = [new_writer = std::move(new_writer), max_file_bytes](const Route& route, std::string_view content_type) {
    IntakeSettings settings;
    settings.max_file_bytes = max_file_bytes;
    settings.fields = route.body;
    return std::make_unique<MediaIntake>(content_type, settings,
                                         [new_writer, kind = *route.files] { return new_writer(kind); });
  };
  door.refusal = std::move(refusal);
  return door;
}

std::unique_ptr<net::BodyReceiver> receive_body(Router& router, const net::WebGuard& guard,
                                                const net::HttpRequest& head) {
  auto receiver = router.receive_body(head);
  if (receiver && !guard.admits(head)) return std::make_unique<RefusedBody>(head, RefusedBody::Why());
  return receiver;
}

}  // namespace wharf::api
