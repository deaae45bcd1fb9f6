#include "sessions/media/auto_downloads.h"

#include <utility>

#include "protocol/messages/content.h"
#include "sessions/media/stored_media.h"

namespace wharf::sessions {

AutoDownloads::AutoDownloads(Context& context, Downloads& downloads) : c_(context), downloads_(downloads) {
  downloads_.on_end = [this](const std::string& id, bool cut_off) {
    if (under_way_.erase(id) > 0 && cut_off) cut_off_.push_back(id);
    if (cut_off_.size() > max_waiting) cut_off_.pop_front();
    go_on();  // whoever asked for it: there is room in the table
  };
}

void AutoDownloads::consider(const std::string& id, const std::string& kind) {
  const AutoDownload& wish = c_.config.auto_download;
  if (!wish.kinds.contains(kind)) return;
  const auto message = c_.records.find_message_of_either(id);
  if (!message) return;
  const auto content = protocol::parse_message(message->content);
  if (!content || content->traits.view_once) return;
  const auto media = stored_media(*message);
  // One that does not say its length might be of any.
  if (!media || media->file.length == 0 || media->file.length > wish.max_bytes) return;
  wait(id);
  go_on();
}

void AutoDownloads::wait(const std::string& id) {
  waiting_.push_back(id);
  if (waiting_.size() > max_waiting) waiting_.pop_front();
}

void AutoDownloads::on_online() {
  for (const std::string& id : std::exchange(cut_off_, {})) wait(id);
  go_on();
}

void AutoDownloads::go_on() {
  if (going_on_) return;  // whoever does it goes on: many that end as they begin are no deep stack
  going_on_ = true;
  while (c_.link.online() && under_way_.size() < at_once && downloads_.room_unasked() && !waiting_.empty()) {
    const std::string id = std::move(waiting_.front());
    waiting_.pop_front();
    // Before it begins: it may end at once.
    if (!under_way_.insert(id).second) continue;
    if (!downloads_.fetch_unasked(id)) under_way_.erase(id);
  }
  going_on_ = false;
}

}  // namespace wharf::sessions
