#pragma once
// What the people and programs of a simulated world say: of which kind a message is and what it is about, drawn from
// the seed, and the form in which a session or a phone is asked to send it.

#include <functional>

#include "protocol/crypto/random.h"
#include "sandbox/phone.h"
#include "sessions/commands.h"
#include "tests/simulation/ledger.h"

namespace wharf::simulation {

/// Whether the one who is going to say something sees this message: index of the ledger's texts.
using Sees = std::function<bool(std::size_t text)>;

/// Draws the kind of `text`, whose sides, name and `by_gateway` are set, and all that goes with it.
void choose_content(Text& text, const Ledger& ledger, protocol::Random& random, const Sees& sees);
/// A file of some kind and size.
/// Every third one is a file that was sent before, by whomever.
void choose_file(Text& text, const Ledger& ledger, protocol::Random& random);
/// The same of what is said about this message of the chat.
void choose_remark(Text& text, std::size_t about, const Ledger& ledger, protocol::Random& random);
/// One of the disappearing timers that apps offer.
void choose_timer(Text& text, protocol::Random& random);

/// The bytes of its file.
std::string file_of(const Text& text);
/// What a session is told of a file that the vault holds.
sessions::SendMedia as_media(const Text& text, const sessions::SealedMedia& sealed, std::int64_t unix_ms);

/// Not of a file: as_media().
sessions::Sendable as_command(const Text& text, const Ledger& ledger);
sandbox::Phone::Send as_typed(const Text& text, const Ledger& ledger);

}  // namespace wharf::simulation
