#include "src/auth/secret.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/test.h"

// The secret on disk, in a folder of its own for each case.
namespace bobbin::auth {
namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bobbin-secret-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path() const { return path_; }
  [[nodiscard]] std::string write(std::string_view text) const {
    const std::string file = path_ + "/given";
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), 0600);
    return file;
  }

 private:
  std::string path_;
};

TEST_CASE(first_call_makes_the_secret_and_the_next_ones_find_it) {
  const Folder folder;
  const std::string secret = CHECK_OK(load_or_create_secret(folder.path()));
  CHECK_EQ(secret.size(), 64u);
  CHECK_EQ(secret.find_first_not_of("0123456789abcdef"), std::string::npos);
  CHECK_EQ(CHECK_OK(load_or_create_secret(folder.path())), secret);
  CHECK_EQ(CHECK_OK(read_secret_file(folder.path() + "/jwt-secret")), secret);
}

TEST_CASE(file_is_for_its_owner_and_alone) {
  const Folder folder;
  CHECK_OK(load_or_create_secret(folder.path()));
  struct stat info {};
  CHECK_EQ(::stat((folder.path() + "/jwt-secret").c_str(), &info), 0);
  CHECK_EQ(info.st_mode & 07777, 0600u);
  CHECK_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_CASE(all_that_start_at_once_agree) {
  for (int round = 0; round < 20; ++round) {
    const Folder folder;
    std::vector<std::string> secrets(4);
    std::vector<std::thread> threads;
    for (std::string& secret : secrets) {
      threads.emplace_back([&folder, &secret] { secret = load_or_create_secret(folder.path()).value_or("failed"); });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(std::set<std::string>(secrets.begin(), secrets.end()).size(), 1u);
    CHECK_EQ(secrets[0].size(), 64u);
  }
}

TEST_CASE(one_line_end_is_not_part_of_a_given_secret) {
  const Folder folder;
  const std::string text(32, 's');
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(text))), text);
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(text + "\n"))), text);
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(text + "\r\n"))), text);
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(text + "\n\n"))), text + "\n");
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(" " + text + " "))), " " + text + " ");
  const std::string binary("\0\1\2\xff", 4);
  CHECK_EQ(CHECK_OK(read_secret_file(folder.write(text + binary))), text + binary);
}

TEST_CASE(secrets_of_a_wrong_size_are_refused) {
  const Folder folder;
  CHECK_FAILS(read_secret_file(folder.write("")), Code::invalid);
  CHECK_FAILS(read_secret_file(folder.write(std::string(31, 's') + "\n")), Code::invalid);
  CHECK_FAILS(read_secret_file(folder.write(std::string(5000, 's'))), Code::invalid);
  CHECK_FAILS(check_secret(std::string(31, 's')), Code::invalid);
  CHECK(check_secret(std::string(32, 's')).has_value());
}

TEST_CASE(what_cannot_be_read_is_an_io_error) {
  const Folder folder;
  CHECK_FAILS(read_secret_file(folder.path() + "/nothing"), Code::io);
  CHECK_FAILS(read_secret_file(folder.path()), Code::io);
  CHECK_FAILS(load_or_create_secret(folder.path() + "/nothing"), Code::io);
}

TEST_CASE(broken_secret_file_is_refused_not_replaced) {
  const Folder folder;
  { std::ofstream(folder.path() + "/jwt-secret") << "short"; }
  CHECK_FAILS(load_or_create_secret(folder.path()), Code::invalid);
  CHECK_EQ(std::filesystem::file_size(folder.path() + "/jwt-secret"), 5u);
}

}  // namespace
}  // namespace bobbin::auth
