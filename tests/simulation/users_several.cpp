// Users: requests for several messages at once, files among them.
#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "protocol/media/media_urls.h"
#include "tests/simulation/contents.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

using protocol::Error;
using protocol::Result;
using sessions::SentMessage;

struct Users::Several {
  std::vector<std::size_t> texts;
  sessions::SendMessages request;
  std::vector<sessions::MediaName> files;
  std::uint64_t life = 0;  // of the daemon
};

std::vector<std::size_t> Users::request_of(std::size_t number) const {
  std::vector<std::size_t> texts{number};
  const auto& others = ledger_.texts[number].others;
  texts.insert(texts.end(), others.begin(), others.end());
  return texts;
}

void Users::add_others(std::size_t number) {
  auto& random = world_.queueing;
  const Kind kind = ledger_.texts[number].kind;
  if (!habits_.several || (kind != Kind::text && kind != Kind::media) || random.below(8) != 0) return;
  std::size_t bytes = ledger_.texts[number].file_bytes;
  for (unsigned more = 1 + random.below(4); more > 0; --more) {
    const Text& first = ledger_.texts[number];
    Text text;
    text.from = first.from;
    text.to = first.to;
    text.by_gateway = true;
    text.via = first.via;
    text.copies = first.copies;
    text.body = new_body("g", first.via, first.to);
    if (random.below(2) == 0) choose_file(text, ledger_, random);
    // All of them wait together, and have to find room.
    constexpr std::size_t least_room = 250'000;
    bytes += text.file_bytes;
    if (bytes > least_room) std::tie(text.kind, text.file_bytes) = std::pair(Kind::text, std::size_t{0});
    text.made_at = first.made_at;
    text.send_at = first.send_at;
    text.expires_at = first.expires_at;
    text.priority = first.priority;
    text.first = number;
    ledger_.texts.push_back(std::move(text));
    ++beside_;
    ledger_.texts[number].others.push_back(ledger_.texts.size() - 1);
  }
}

void Users::ask_for_several(std::size_t number) {
  auto several = std::make_shared<Several>();
  several->texts = request_of(number);
  several->life = world_.daemon.lives();
  keep_next(several);
}

void Users::keep_next(const std::shared_ptr<Several>& several) {
  auto& messages = several->request.messages;
  if (messages.size() == several->texts.size()) return tell(several);
  const std::size_t number = several->texts[messages.size()];
  const Text& text = ledger_.texts[number];
  if (text.kind != Kind::media) {
    messages.push_back(request_for(text, as_command(text, ledger_)));
    return keep_next(several);
  }
  keep_file(number, [this, several, number](const sessions::SealedMedia* sealed) {
    if (world_.daemon.lives() != several->life) return;
    if (sealed == nullptr) {
      for (const sessions::MediaName& file : several->files) world_.daemon.vault().drop(file);
      return;
    }
    const Text& kept = ledger_.texts[number];
    several->files.push_back(sealed->name());
    several->request.messages.push_back(request_for(kept, as_media(kept, *sealed, world_.daemon.unix_ms())));
    keep_next(several);
  });
}

void Users::tell(const std::shared_ptr<Several>& several) {
  using Answer = sessions::Outcome<std::vector<SentMessage>>;
  world_.daemon.supervisor().tell(
      ledger_.gateways[ledger_.texts[several->texts.front()].via].session, several->request,
      of_this_life<std::vector<SentMessage>>([this, several](const Answer& answer) {
        // As with one file.
        const bool left = answer ? answer->front().replayed : answer.error().code != protocol::Errc::closed;
        for (const sessions::MediaName& file : several->files) {
          if (left) world_.daemon.vault().drop(file);
        }
        if (!answer)
          return on_answer(several->texts.front(),
                           Result<SentMessage>(Error(answer.error().code, answer.error().detail)));
        if (answer->size() != several->texts.size())
          return ledger_.violate(
              fmt::format("{} of {} messages of one request were answered", answer->size(), several->texts.size()));
        for (std::size_t i = 0; i < answer->size(); ++i) on_answer(several->texts[i], (*answer)[i]);
      }));
}

}  // namespace wharf::simulation
