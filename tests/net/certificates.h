#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

namespace larder {

// An authority of one test's, and the folder of the files that it writes, which goes with it.
class CertificateAuthority {
 public:
  CertificateAuthority();
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  // The authority's own certificate, PEM.
  const std::string& file() const { return file_; }
  // Any name in the folder.
  std::string Path(const std::string& name) const { return folder_ / name; }

  // Makes a certificate of `common_name` and its key, and writes both to Path(name), which it
  // returns: what ssl_chain_cert takes alone.
  std::string Issue(const std::string& common_name, const std::string& name) const;

  // Writes the key of the PEM file `from` to Path(name) as DER. Returns that.
  std::string ConvertKeyToDer(const std::string& from, const std::string& name) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Certificate Sign(EVP_PKEY* key, const std::string& common_name, const X509* issuer,
                          EVP_PKEY* issuer_key);
  static void Write(const std::string& path, X509* certificate, EVP_PKEY* key);

  std::filesystem::path folder_;
  Key key_;
  Certificate certificate_;
  std::string file_;
};

}  // namespace larder
