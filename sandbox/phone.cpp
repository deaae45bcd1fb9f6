// The phone's public face: each call goes to the part that does it.

#include "sandbox/phone.h"

#include <exception>
#include <utility>

#include "sandbox/phone/state.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Phone::Phone(Network& network, Account& account, std::shared_ptr<Worker> worker, std::shared_ptr<PhoneFiles> files,
             Empty)
    : state_(std::make_unique<State>(network, account, std::move(worker), std::move(files))) {}

Phone::Phone(Network& network, Account& account, std::shared_ptr<Worker> worker, std::shared_ptr<PhoneFiles> files)
    : Phone(network, account, std::move(worker), std::move(files), Empty{}) {
  state_->keys.install();
  state_->keys.publish();
  state_->power_on();
}

std::unique_ptr<Phone> Phone::empty(Network& network, Account& account, std::shared_ptr<Worker> worker,
                                    std::shared_ptr<PhoneFiles> files) {
  return std::unique_ptr<Phone>(new Phone(network, account, std::move(worker), std::move(files), Empty{}));
}

Phone::~Phone() = default;

const std::string& Phone::number() const { return state_->context.account.number; }

const std::string& Phone::account() const { return state_->context.account.phone; }

std::string Phone::number_named(std::string_view account) const {
  return state_->context.network.number_named(account);
}

// --- companions

void Phone::scan(std::string_view qr, std::function<void(Result<Jid>)> done) {
  state_->pairing.scan(qr, std::move(done));
}

void Phone::enter_code(std::string_view code, std::function<void(Result<Jid>)> done) {
  state_->pairing.enter_code(code, std::move(done));
}

bool Phone::code_pending() const { return state_->pairing.code_pending(); }

std::vector<std::uint16_t> Phone::companions() const { return state_->companions.devices(); }

void Phone::on_link_code_hello(LinkCodeHello hello) { state_->pairing.on_hello(std::move(hello)); }

void Phone::on_link_code_finish(LinkCodeFinish finish) { state_->pairing.on_finish(finish); }

void Phone::on_device_linked(std::uint16_t) { state_->device_lists.forget(account()); }

void Phone::on_first_prekeys(std::uint16_t device) { state_->bootstrap.begin(device); }

void Phone::on_device_removed(std::uint16_t device) {
  state_->bootstrap.forget(device);
  state_->companions.on_removed(device);
  state_->sender_keys.rotate_if_given(account());
}

// --- messages

Result<std::string> Phone::send(Send message) { return state_->sending.send(message); }

const std::string* Phone::Send::about() const {
  return std::visit(
      [](const auto& kind) -> const std::string* {
        if constexpr (requires { kind.message; }) return &kind.message;
        else return nullptr;
      },
      content);
}

Result<std::size_t> Phone::read(std::string_view chat, std::string_view id) { return state_->receipts.read(chat, id); }

void Phone::typing(std::string_view to, protocol::ChatState state) {
  const auto chat = state_->chats.find(to);
  if (chat) state_->context.send(protocol::chat_state(chat->jid, state));
}

// --- people

void Phone::ask(const std::function<Node(std::string_view id)>& make, Answer answer) {
  state_->people.ask(make, std::move(answer));
}

void Phone::show_available(bool available, Answer heard) { state_->people.show_available(available, std::move(heard)); }

void Phone::rename(const std::string& name, Answer heard) {
  state_->people.rename(name, [this, name, heard = std::move(heard)](const Result<Node>& answer) {
    if (!answer) return heard(answer);
    state_->app_state.write_name(name, [heard, answer](const Result<void>& written) {
      heard(written ? answer : Result<Node>(written.error()));
    });
  });
}

void Phone::save_contact(const Account& whom, const std::string& name, std::function<void(Result<void>)> done) {
  state_->app_state.save_contact(whom, name, std::move(done));
}

const std::map<std::string, std::string>& Phone::contacts() const { return state_->app_state.contacts(); }

void Phone::watch(const Account& whom, bool on, Answer heard) { state_->people.watch(whom, on, std::move(heard)); }

bool Phone::available() const { return state_->people.available(); }

const std::deque<PhoneSeen>& Phone::seen() const { return state_->people.seen(); }

// --- calls

Result<std::string> Phone::place_call(const Account& whom, bool video) { return state_->calls.place(whom, video); }

Result<void> Phone::act_on_call(std::string_view id, CallAction action) {
  switch (action) {
    case CallAction::accept: return state_->calls.accept(id);
    case CallAction::reject: return state_->calls.reject(id);
    case CallAction::cancel: break;
  }
  return state_->calls.cancel(id);
}

const std::deque<PhoneCall>& Phone::calls() const { return state_->calls.all(); }

// --- groups

std::map<std::string, const PhoneGroup*> Phone::groups() const {
  std::map<std::string, const PhoneGroup*> all;
  for (const auto& [name, group] : state_->groups.all()) all.emplace(name, &group);
  return all;
}

const PhoneGroup* Phone::group(std::string_view jid) const { return state_->groups.find(jid); }

void Phone::ask(const protocol::groups::GroupRequest& request, Answer answer) {
  state_->groups.ask(request, std::move(answer));
}

void Phone::forget_sender_keys() { state_->sender_keys.forget_others(); }

// --- how it behaves

void Phone::deliver(bool on) { state_->receipts.deliver(on); }

void Phone::set_auto_reply(std::optional<AutoReply> rule) { state_->auto_replies.set_rule(std::move(rule)); }

void Phone::set_auto_read(bool on) { state_->auto_replies.set_read(on); }

void Phone::open_media(std::string_view id, const std::function<void(Result<OpenedMedia>)>& done) const {
  state_->downloads.open(id, done);
}

void Phone::set_media_retry(MediaRetryMode mode) { state_->reuploads.set_mode(mode); }

const std::vector<PhoneMessage>& Phone::messages() const { return state_->log.messages(); }

std::shared_ptr<void> Phone::on_messages(std::function<void()> heard) {
  auto listener = std::make_shared<std::function<void()>>(std::move(heard));
  state_->listeners.push_back(listener);
  return listener;
}

// --- the phone itself

void Phone::power(bool on) {
  if (on) {
    state_->power_on();
  } else {
    state_->power_off();
  }
}

bool Phone::powered() const { return state_->context.powered(); }

void Phone::forget_sessions(std::string_view peer) {
  if (const Account* account = state_->context.look_up(peer)) state_->sessions.forget(account->phone);
}

void Phone::corrupt_sessions(std::string_view peer) {
  if (const Account* account = state_->context.look_up(peer)) state_->sessions.corrupt(account->phone);
}

void Phone::reinstall() { state_->reinstall(); }

// --- rows

std::optional<Bytes> Phone::row(const RowKey& key) const { return state_->row(key); }

Result<void> Phone::restore(const RowKey& key, ByteView row) {
  try {
    state_->restore(key, row);
  } catch (const std::exception& failure) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, "state of the phone " + number() + ": " + failure.what());
  }
  return {};
}

void Phone::restored() { state_->restored(); }

}  // namespace wharf::sandbox
