#include "api/whole_list.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "sessions/log_value.h"

namespace wharf::api {

net::BodySource rest_of(const ServicesPtr& services, std::shared_ptr<WholeList> list, std::string request_id) {
  return [services, list = std::move(list),
          request_id = std::move(request_id)](std::function<void(net::BodyPiece)> done) {
    const auto piece = std::make_shared<net::BodyPiece>();  // written by the worker, read on the loop afterwards
    piece->end = net::BodyPiece::End::broken;
    const auto fill = [list, piece](storage::Database& db) {
      piece->bytes = list->slice(db);
      piece->end = list->over() ? net::BodyPiece::End::last : net::BodyPiece::End::more;
    };
    const bool taken =
        services->ports.workers.run([services, fill, request_id] { (void)services->readers.with(request_id, fill); },
                                    [piece, done] { done(std::move(*piece)); });
    if (taken) return;
    services->ports.scheduler.post([services, fill, piece, done, request_id] {
      try {
        fill(services->ports.store.reader());
      } catch (const storage::ReadFailure& unreadable) {
        spdlog::error("list_cut request={} error={}", request_id, sessions::log_value(unreadable.error.detail));
      }
      done(std::move(*piece));
    });
  };
}

}  // namespace wharf::api
