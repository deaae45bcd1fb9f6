#include "sessions/media/media_hosts.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "sessions/log_value.h"

namespace wharf::sessions {

void MediaHosts::get(Then then) {
  if (known_ && c_.now.steady < refresh_at_) return then(&*known_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() == 1) ask();
}

void MediaHosts::ask() {
  if (!c_.link.online()) return answer_all();
  c_.query(protocol::media_conn_iq(c_.ids.next()), [this](const Node* answer) { on_answer(answer); });
}

void MediaHosts::on_answer(const Node* answer) {
  if (answer != nullptr) {
    auto read = protocol::read_media_conn(*answer, c_.unix_seconds());
    if (read) {
      known_ = std::move(*read);
      refresh_at_ = c_.now.steady + std::chrono::seconds(known_->refresh_seconds());
      valid_until_ = c_.now.steady + std::chrono::seconds(known_->valid_seconds());
    } else {
      spdlog::warn("media_conn_unusable session={} detail={}", c_.row.name, log_value(read.error().detail));
    }
  }
  answer_all();
}

void MediaHosts::answer_all() {
  const auto* usable = known_ && c_.now.steady < valid_until_ ? &*known_ : nullptr;
  for (Then& then : std::exchange(waiting_, {})) then(usable);
}

std::vector<std::string> MediaHosts::download_hosts() const {
  return known_ ? known_->download_hosts() : std::vector<std::string>();
}

}  // namespace wharf::sessions
