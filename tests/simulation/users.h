#pragma once
// Everybody who uses the simulated world: owners who link their sessions and start them again, programs that send
// through the gateway and repeat what was not answered, people who type on their phones.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sessions/ack_awaited.h"
#include "sessions/media/stored_media.h"
#include "tests/simulation/contents.h"
#include "tests/simulation/habits.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

class GroupUsers;

/// How much happens in a world.
struct Size {
  std::size_t sessions = 2, contacts = 2;
  std::size_t texts = 1'000;
  std::chrono::seconds traffic{600};  // virtual time in which they are sent
};

/// Of files that sessions fetch by themselves.
inline constexpr std::size_t unasked_bytes = 100'000;

/// What an answer may be while the world is unkind; the user repeats his request.
bool passes(protocol::Errc code);

/// What somebody is going to say; without anything it is what the seed says.
struct Wish {
  std::size_t about = Text::nothing;  // something about this message
  std::optional<Kind> kind = {};      // event, timer
};

class Users {
 public:
  Users(World& world, Ledger& ledger, Size size);
  ~Users();

  /// Phones and persons; owners begin to link, traffic begins when the first session is ready.
  void start();
  /// No new texts; who waits for an answer still repeats, owners still look after their sessions.
  void stop_traffic();
  bool all_sent() const { return !sending_ || ledger_.texts.size() - beside_ >= size_.texts; }
  bool all_answered() const;
  /// Every session is ready, and was not stopped by its owner.
  bool all_ready() const;

  sandbox::Phone& phone(std::size_t person);
  // --- what owners do now and then to a session (index of the ledger's gateways); for the fault schedule
  void restart(std::size_t gateway);
  void stop_for(std::size_t gateway, std::chrono::milliseconds pause);
  void log_out(std::size_t gateway);
  void remove_chat(std::size_t gateway, std::size_t other);
  void reinstall(std::size_t person);
  /// One of the person's; nullopt when all were given up.
  std::optional<std::size_t> any_gateway(std::size_t person);
  /// One more session for the phone of this person.
  void add_gateway(std::size_t person);
  enum class End {
    unlinked,    // on the phone
    logged_out,  // by its owner, who does not start it again
    deleted,
  };
  /// Its device is given up for good. False: the daemon is not there to be asked, or there is no device yet.
  bool retire(std::size_t gateway, End end);
  /// The daemon's clock jumped: programs whose idempotency keys may be over by it stop asking.
  void see_clock();
  /// Every file that a session has a message of is fetched and compared with what was sent, one after the other;
  /// all_fetched() when that is done.
  void fetch_all();
  /// Before that: what sessions were to fetch by themselves is in the vault, where nothing was in its way.
  void check_unasked();
  bool all_fetched() const { return fetching_ == 0; }
  /// One of two of those once more; all_fetched() tells.
  void fetch_again();
  /// Sessions (index of the ledger's gateways) and texts: what fetch_all() has got.
  const std::set<std::pair<std::size_t, std::size_t>>& fetched() const { return fetched_; }
  /// A request may lie in a mailbox a second time. Were its key forgotten there, it would rightly be sent twice.
  bool somebody_repeats() const;
  /// Drawn in start().
  const Habits& habits() const { return habits_; }
  /// Nobody waits for what a clock that was wrong put off for hours: it is taken back.
  void withdraw_late_ones();
  /// From now on, what is said about a message at once often overtakes it: copies of the message arrive damaged.
  void overtaking(bool on) { overtaking_ = on; }
  /// So that no owner keeps a session stopped.
  void start_all();
  /// `done` only as long as the daemon that was asked lives.
  template <class T>
  sessions::Reply<T> of_this_life(std::function<void(sessions::Outcome<T>)> done) {
    return [this, life = world_.daemon.lives(), done = std::move(done)](sessions::Outcome<T> result) {
      if (world_.daemon.lives() == life) done(std::move(result));
    };
  }

 private:
  struct Owner {
    bool created = false;
    bool stopped = false;     // by the owner
    std::string scanned;      // last QR
    End end = End::unlinked;  // of one that was retired
  };
  void look_after(std::size_t gateway);
  void see_end(std::size_t gateway);
  void lose_device(std::size_t gateway);
  void give_up_texts_of(std::size_t gateway);
  void link(std::size_t gateway, const std::string& qr);
  void next_text();
  void choose(Text& text, const Wish& wish, const Sees& sees);
  void send_by_gateway(std::size_t via, std::size_t to, const Wish& wish = {});
  /// The sessions of both sides, and why one may miss the text. `from_stale_lists`: a sender whose connection stalls,
  /// or whose phone is off, seals for the devices that it knows. The ack tells it of its error; it corrects the list
  /// and sends nothing more of this text (03 section 4.8).
  void note_readers(Text& text, bool from_stale_lists) const;
  void send_by_phone(std::size_t from, std::size_t to, const Wish& wish = {});
  /// For the trace.
  std::string named(const Text& text) const;
  /// Whoever said this says something about it at once.
  void remark_on(std::size_t text);
  bool shows(std::size_t person, const Text& text);
  bool shows_in(std::size_t gateway, const Text& text) const;
  /// Somebody sets the timer of a chat.
  void set_timer();
  /// Somebody makes an event, or says something about one of the newest of a chat.
  void plan();
  /// The message that it is about is not there for its session any more, or none of which that can be said.
  void on_refused(Text& text, const protocol::Error& why);
  void ask(std::size_t text);
  /// The file first, as the API does.
  void ask_with_file(std::size_t text);
  /// Into the vault; nullptr: there was no room, or no disk.
  void keep_file(std::size_t text, std::function<void(const sessions::SealedMedia*)> done);
  void tell(std::size_t text, sessions::Sendable content, std::optional<sessions::MediaName> file);
  sessions::SendMessage request_for(const Text& text, sessions::Sendable content) const;
  /// The texts of its request.
  std::vector<std::size_t> request_of(std::size_t text) const;
  /// More messages of this request, when the seed says so.
  void add_others(std::size_t text);
  struct Several;
  /// The files one after the other, then all of them in one request.
  void ask_for_several(std::size_t text);
  void keep_next(const std::shared_ptr<Several>& several);
  void tell(const std::shared_ptr<Several>& several);
  /// Of a message that the session has: `done` gets what went wrong, or "".
  void fetch(std::size_t gateway, std::size_t text, std::function<void(const std::string& problem)> done);
  bool fetches_unasked(std::size_t gateway) const { return habits_.unasked && gateway % 2 == 0; }
  void fetch_something(std::size_t gateway);
  void fetch_next(std::size_t gateway, std::size_t from, unsigned tries = 5);
  std::string compare(const Text& text, const protocol::Result<std::string>& loaded);
  /// The media host has lost it once.
  bool is_lost(const sessions::StoredMedia& media) const;
  /// None is left anywhere: the own phone has not got it either.
  bool may_be_lost(std::size_t gateway, const Text& text);
  void see_clock(Text& text);
  /// Deletes one of the newest messages of the session there, or changes its star.
  void tidy(std::size_t gateway);
  void delete_here(std::size_t gateway, std::size_t text);
  void star(std::size_t gateway, std::size_t text, bool starred);
  bool may_miss(std::size_t gateway, const Text& text) const;
  void choose_place(Text& text);
  bool in_past(const Text& text) const;
  /// Takes it back when the seed says so, at a moment that matters.
  void plan_withdrawal(std::size_t text);
  void withdraw(std::size_t text);
  void on_withdrawal(std::size_t text, const sessions::Outcome<sessions::SentMessage>& answer);
  void on_answer(std::size_t text, const protocol::Result<sessions::SentMessage>& answer);
  /// Waits for the server's ack of an accepted text, as a program does that asks with waitFor.
  void await_ack(std::size_t text);
  void on_told_ahead(std::size_t gateway, std::string_view message_id);
  void mark_read(std::size_t gateway, std::size_t other);
  /// Sends a text in the turn in which something of the session falls due by itself (a ping, another try, the end of a
  /// patience): at its time, shortly before the timer that is rounded up to a millisecond. `tries`: traffic puts most
  /// of these times off.
  void send_when_due(std::size_t gateway, unsigned tries);
  /// `mark` and `from`: the lane whose texts keep their order, a phone's ("p", person) or a session's ("g", gateway).
  std::string new_body(std::string_view mark, std::size_t from, std::size_t to);
  std::size_t other_person(std::size_t than);
  std::uint32_t draw(std::uint32_t below) { return world_.driving.below(below); }
  void later(std::chrono::milliseconds delay, std::function<void()> run) {
    world_.surroundings.after(delay, std::move(run));
  }
  sessions::Reply<sessions::SessionView> heard(const char* what, std::size_t gateway);

  World& world_;
  Ledger& ledger_;
  Size size_;
  std::vector<Owner> owners_;                            // by gateway
  std::map<std::size_t, sessions::AckAwaited> awaited_;  // by text
  Habits habits_;
  std::unique_ptr<GroupUsers> in_groups_;  // nullptr: there are no groups in this world
  bool sending_ = false, overtaking_ = false;
  std::uint64_t last_body_ = 0;
  std::size_t beside_ = 0;    // texts that are not the first of their request: a world lasts as long without them
  std::size_t fetching_ = 0;  // sessions that are at it
  std::set<std::pair<std::size_t, std::size_t>> fetched_;
};

}  // namespace wharf::simulation
