// Users: the files that programs hand to the vault, and those that they fetch.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/media/media_urls.h"
#include "protocol/messages/media_location.h"
#include "storage/messages.h"
#include "tests/simulation/contents.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

using protocol::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Users::ask_with_file(std::size_t number) {
  keep_file(number, [this, number](const sessions::SealedMedia* sealed) {
    if (sealed != nullptr)
      tell(number, as_media(ledger_.texts[number], *sealed, world_.daemon.unix_ms()), sealed->name());
  });
}

void Users::keep_file(std::size_t number, std::function<void(const sessions::SealedMedia*)> done) {
  const Text& text = ledger_.texts[number];
  const bool streams = text.file_kind == protocol::MessageKind::video;
  const auto writer = world_.daemon.vault().write(*protocol::media_kind(text.file_kind),
                                                  streams ? protocol::Sidecar::streaming : protocol::Sidecar::none);
  // Whoever finds no room or no disk repeats it later, as with everything.
  writer->append(file_of(text), [this, number, writer, done = std::move(done)](const Result<void>& kept) {
    if (!kept) return done(nullptr);
    writer->finish([this, number, done](const Result<sessions::SealedMedia>& sealed) {
      if (!sealed) return done(nullptr);
      const Text& sent = ledger_.texts[number];
      ledger_.note_file(number, sealed->key, protocol::upload_token(sealed->digest.file_enc_sha256));
      world_.trace.note("user", "has kept the file of " + sent.body);
      done(&*sealed);
    });
  });
}

std::string Users::compare(const Text& text, const Result<std::string>& loaded) {
  if (!loaded) return fmt::format("{} {}", protocol::name(loaded.error().code), loaded.error().detail);
  ++ledger_.counts.compared;
  if (*loaded != file_of(text)) ledger_.violate("the file of " + text.body + " is another one");
  return "";
}

void Users::fetch(std::size_t gateway, std::size_t number, std::function<void(const std::string&)> done) {
  const Text& text = ledger_.texts[number];
  const std::string& session = ledger_.gateways[gateway].session;
  const bool own = ledger_.gateways[gateway].person == text.from;
  world_.trace.note("user", fmt::format("fetches the file of {} in {}", text.body, session));
  world_.daemon.supervisor().tell(
      session, sessions::FetchMedia{text.id},
      of_this_life<void>([this, number, session, own, done = std::move(done)](const sessions::Outcome<>& fetched) {
        if (!fetched) return done(fmt::format("{} {}", protocol::name(fetched.error().code), fetched.error().detail));
        const auto view = world_.daemon.supervisor().find(session);
        const auto row =
            view ? storage::find_message_by_id(world_.daemon.store().reader(), view->id, ledger_.texts[number].id, own)
                 : std::nullopt;
        const auto media = row ? sessions::stored_media(row->content) : sessions::no_session(session);
        if (!media) return done("it is deleted");
        ledger_.note_announced(ledger_.texts[number], media->reference.key, media->reference.hashes.file_sha256);
        world_.daemon.vault().load(
            media->reference, media->kind, 1u << 20,
            [this, number, done](const Result<std::string>& loaded) { done(compare(ledger_.texts[number], loaded)); });
      }));
}

void Users::fetch_something(std::size_t gateway) {
  if (!world_.daemon.running() || !owners_[gateway].created) return;
  constexpr std::size_t looked_at = 100;
  const std::size_t end = ledger_.texts.size() - std::min(ledger_.texts.size(), looked_at);
  for (std::size_t i = ledger_.texts.size(); i > end; --i) {
    const Text& text = ledger_.texts[i - 1];
    if (text.kind == Kind::media && ledger_.told(ledger_.gateways[gateway].session, text) && !text.id.empty())
      return fetch(gateway, i - 1, [this](const std::string& problem) {
        if (!problem.empty()) world_.trace.note("user", "gets no file: " + problem);
      });
  }
}

void Users::check_unasked() {
  constexpr seconds takes(30);  // in a burst; what is wrong meanwhile may end it
  for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) {
    const Gateway& gateway = ledger_.gateways[i];
    const auto view = world_.daemon.supervisor().find(gateway.session);
    if (!view || gateway.retired || !fetches_unasked(i)) continue;
    for (std::size_t number = 0; number < ledger_.texts.size(); ++number) {
      const Text& text = ledger_.texts[number];
      const bool sent_it = text.by_gateway && text.via == i;
      if (text.kind != Kind::media || text.file_kind == protocol::MessageKind::document || sent_it ||
          text.file_bytes > unasked_bytes || ledger_.was_revoked(number))
        continue;
      const auto told_at = ledger_.told_at(gateway.session, text);
      // The vault is one: whoever deletes a message deletes the file of all.
      const bool deleted =
          std::any_of(text.copies.begin(), text.copies.end(), [](const auto& copy) { return copy.second.removed; });
      if (!told_at || deleted || world_.troubles.any(*told_at, *told_at + takes)) continue;
      const auto row =
          storage::find_message_by_id(world_.daemon.store().reader(), view->id, text.id, text.from == gateway.person);
      const auto media = row ? sessions::stored_media(row->content) : sessions::no_session(gateway.session);
      if (!media || is_lost(*media)) continue;
      const sessions::MediaName name = sessions::media_name(media->reference, media->kind);
      if (world_.file_record.was_removed(name)) continue;
      ++ledger_.counts.unasked;
      if (!world_.daemon.vault().holds(name))
        ledger_.violate(fmt::format("{} ({}): {} has not fetched its file", text.body, text.id, gateway.session));
    }
  }
}

void Users::fetch_all() {
  for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) {
    if (ledger_.gateways[i].retired) continue;
    ++fetching_;
    fetch_next(i, 0);
  }
}

void Users::fetch_again() {
  bool every_second = false;
  for (const auto& [gateway, text] : fetched_) {
    every_second = !every_second;
    if (!every_second) continue;
    ++fetching_;
    // They may be gone everywhere by now.
    fetch(gateway, text, [this](const std::string&) { --fetching_; });
  }
}

void Users::fetch_next(std::size_t gateway, std::size_t from, unsigned tries) {
  const Gateway& reader = ledger_.gateways[gateway];
  const auto view = world_.daemon.supervisor().find(reader.session);
  for (std::size_t i = from; view && i < ledger_.texts.size(); ++i) {
    const Text& text = ledger_.texts[i];
    if (text.kind != Kind::media || (text.from != reader.person && text.to != reader.person)) continue;
    const auto row =
        storage::find_message_by_id(world_.daemon.store().reader(), view->id, text.id, text.from == reader.person);
    if (!row || row->content.empty() || events::has_failed(row->ack)) continue;
    return fetch(gateway, i, [this, gateway, i, tries](const std::string& problem) {
      // A connection may have gone silent before the faults ended.
      const bool passing = problem.starts_with("not_ready") || problem.starts_with("network");
      if (passing && tries > 0)
        return later(seconds(20), [this, gateway, i, tries] { fetch_next(gateway, i, tries - 1); });
      if (problem.empty()) fetched_.emplace(gateway, i);
      else if (!may_be_lost(gateway, ledger_.texts[i]))
        ledger_.violate(fmt::format("{} ({}): {} gets no file: {}", ledger_.texts[i].body, ledger_.texts[i].id,
                                    ledger_.gateways[gateway].session, problem));
      later(milliseconds(1), [this, gateway, i] { fetch_next(gateway, i + 1); });
    });
  }
  --fetching_;
}

bool Users::is_lost(const sessions::StoredMedia& media) const {
  const auto& hash = media.reference.hashes.file_enc_sha256;
  return hash && world_.lost_files.contains(*hash);
}

bool Users::may_be_lost(std::size_t gateway, const Text& text) {
  if (world_.lost_files.empty()) return false;
  for (const auto& message : phone(ledger_.gateways[gateway].person).messages()) {
    if (message.id == text.id && message.media && message.status != "failed") return message.media->state != "ready";
  }
  return true;
}

}  // namespace wharf::simulation
