#include "sandbox/phones.h"

#include <utility>

#include "sandbox/phone/files.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t min_digits = 7, max_digits = 15;

}  // namespace

Result<std::string> normalise_phone(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c == '+' && digits.empty()) {
      continue;
    } else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')') {
      return Error(Errc::malformed, "a phone number is digits, with an optional +, spaces and dashes");
    }
  }
  if (digits.size() < min_digits || digits.size() > max_digits) {
    return Error(Errc::malformed, "a phone number has 7 to 15 digits");
  }
  return digits;
}

Phones::Phones(Network& network)
    : network_(network), worker_(std::make_shared<Worker>()), files_(std::make_shared<PhoneFiles>()) {
  network_.on_link_code_hello = [this](const std::string& phone, LinkCodeHello hello) {
    if (Phone* found = find(phone)) found->on_link_code_hello(std::move(hello));
  };
  network_.on_link_code_finish = [this](const std::string& phone, LinkCodeFinish finish) {
    if (Phone* found = find(phone)) found->on_link_code_finish(std::move(finish));
  };
  network_.on_device_linked = [this](const DeviceKey& device) {
    if (Phone* found = find(device.phone)) found->on_device_linked(device.device);
  };
  network_.on_first_prekeys = [this](const DeviceKey& device) {
    if (Phone* found = find(device.phone)) found->on_first_prekeys(device.device);
  };
  network_.on_device_removed = [this](const DeviceKey& device) {
    if (Phone* found = find(device.phone)) found->on_device_removed(device.device);
  };
}

Phones::~Phones() {
  network_.on_link_code_hello = nullptr;
  network_.on_link_code_finish = nullptr;
  network_.on_device_linked = nullptr;
  network_.on_first_prekeys = nullptr;
  network_.on_device_removed = nullptr;
}

void Phones::set_worker(Worker worker) { *worker_ = std::move(worker); }

void Phones::set_media_host(const std::shared_ptr<MediaHost>& host) { files_->set_host(host); }

Result<Phone*> Phones::create(std::string_view phone, std::string name, bool with_lid) {
  const Result<std::string> digits = normalise_phone(phone);
  if (!digits) return digits.error();
  const Result<Account*> account = network_.create_account(*digits, std::move(name), with_lid);
  if (!account) return account.error();
  auto created = std::make_unique<Phone>(network_, **account, worker_, files_);
  return (phones_[(*account)->phone] = std::move(created)).get();
}

Phone* Phones::find_number(std::string_view number) {
  const Account* account = network_.find_number(number);
  return account == nullptr ? nullptr : find(account->phone);
}

Phone* Phones::find(std::string_view phone) {
  const auto found = phones_.find(phone);
  return found == phones_.end() ? nullptr : found->second.get();
}

std::vector<Phone*> Phones::all() {
  std::vector<Phone*> out;
  for (const auto& [number, phone] : phones_) out.push_back(phone.get());
  return out;
}

std::optional<Bytes> Phones::row(const RowKey& key) const {
  const auto found = phones_.find(key.owner);
  return found == phones_.end() ? std::nullopt : found->second->row(key);
}

Result<void> Phones::restore(const RowKey& key, ByteView row) {
  auto found = phones_.find(key.owner);
  if (found == phones_.end()) {
    // The phone's own row comes before those of its parts.
    Account* account = key.kind == RowKind::phone ? network_.find_account(std::string_view(key.owner)) : nullptr;
    if (account == nullptr) return Error(Errc::malformed, "state of a phone: a row of an unknown phone");
    found = phones_.emplace(key.owner, Phone::empty(network_, *account, worker_, files_)).first;
  }
  return found->second->restore(key, row);
}

void Phones::restored() {
  for (const auto& [number, phone] : phones_) phone->restored();
}

}  // namespace wharf::sandbox
