/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Budgets for C++: calculators, audits, the accountant. Include dpmix/dpmix.hpp.
 */
#ifndef DPMIX_ACCOUNTANT_HPP
#define DPMIX_ACCOUNTANT_HPP

#include <dpmix/handle.hpp>

namespace dpmix {

/** An entry of a composition: so many runs of a mechanism (dpmix/calculator.h). */
struct Mechanism {
    int kind; // DPMIX_MECHANISM_*
    double noise;
    std::optional<double> rate = std::nullopt; // none: every record takes part; of pure ones a delta of 0
    std::uint64_t runs = 1;
};

using Mechanisms = std::vector<Mechanism>;

namespace detail {

/** The parallel arrays of C. */
struct Composition {
    std::vector<int> kinds;
    std::vector<double> noise, rates;
    std::vector<std::uint64_t> runs;
    explicit Composition(const Mechanisms &mechanisms)
    {
        for (const Mechanism &one : mechanisms) {
            kinds.push_back(one.kind);
            noise.push_back(one.noise);
            rates.push_back(one.rate.value_or(one.kind == DPMIX_MECHANISM_PURE ? 0.0 : 1.0));
            runs.push_back(one.runs);
        }
    }
    std::size_t size() const noexcept { return kinds.size(); }
};

} // namespace detail

/** The least epsilon at which the composition is known to be private: dpmix_calculate_epsilon(). */
inline double epsilon(const Mechanisms &mechanisms, double delta, int adjacency, int group = 1)
{
    const detail::Composition plan(mechanisms);
    double found = 0;
    check(dpmix_calculate_epsilon(&found, plan.kinds.data(), plan.noise.data(), plan.rates.data(),
                                  plan.runs.data(), plan.size(), adjacency, group, delta));
    return found;
}

/** The least delta at which the composition is known to be private: dpmix_calculate_delta(). */
inline double delta(const Mechanisms &mechanisms, double epsilon, int adjacency, int group = 1)
{
    const detail::Composition plan(mechanisms);
    double found = 0;
    check(dpmix_calculate_delta(&found, plan.kinds.data(), plan.noise.data(), plan.rates.data(),
                                plan.runs.data(), plan.size(), adjacency, group, epsilon));
    return found;
}

/** The Renyi divergence of the composition: dpmix_calculate_rdp(). */
inline double rdp(const Mechanisms &mechanisms, double order, int adjacency)
{
    const detail::Composition plan(mechanisms);
    double found = 0;
    check(dpmix_calculate_rdp(&found, plan.kinds.data(), plan.noise.data(), plan.rates.data(), plan.runs.data(),
                              plan.size(), adjacency, order));
    return found;
}

/** The noise multipliers that a plan needs: dpmix_calculate_noise(). */
inline std::vector<double> noise(const Mechanisms &mechanisms, double epsilon, double delta, int adjacency)
{
    const detail::Composition plan(mechanisms);
    std::vector<double> found(plan.size());
    check(dpmix_calculate_noise(found.data(), plan.kinds.data(), plan.noise.data(), plan.rates.data(),
                                plan.runs.data(), plan.size(), adjacency, delta, epsilon));
    return found;
}

/** Lower bounds of dpmix_audit_gaussian(). */
struct GaussianAudit {
    double mu, epsilon;
};

/** A lower bound on epsilon from one run. included: 1 or 0 for each canary. */
inline double audit_epsilon(span<const double> scores, span<const std::uint8_t> included,
                            std::size_t guesses_in, std::size_t guesses_out, double delta, double confidence)
{
    detail::require(scores.size() == included.size(), "included: not one for each score");
    double found = 0;
    check(dpmix_audit_epsilon(&found, scores.data(), included.data(), scores.size(), guesses_in, guesses_out,
                              delta, confidence));
    return found;
}

/** The same for mechanisms whose curve is a Gaussian one. */
inline GaussianAudit audit_gaussian(span<const double> scores, span<const std::uint8_t> included,
                                    std::size_t guesses_in, std::size_t guesses_out, double delta,
                                    double confidence)
{
    detail::require(scores.size() == included.size(), "included: not one for each score");
    GaussianAudit found{};
    check(dpmix_audit_gaussian(&found.mu, &found.epsilon, scores.data(), included.data(), scores.size(),
                               guesses_in, guesses_out, delta, confidence));
    return found;
}

/** The same from numbers of guesses and of right ones. */
inline double audit_epsilon_count(std::size_t canaries, std::size_t guesses, std::size_t right, double delta,
                                  double confidence)
{
    double found = 0;
    check(dpmix_audit_epsilon_count(&found, canaries, guesses, right, delta, confidence));
    return found;
}

inline GaussianAudit audit_gaussian_count(std::size_t canaries, std::size_t guesses, std::size_t right,
                                          double delta, double confidence)
{
    GaussianAudit found{};
    check(dpmix_audit_gaussian_count(&found.mu, &found.epsilon, canaries, guesses, right, delta, confidence));
    return found;
}

/** A budget as it was opened. */
struct Budget {
    double epsilon, delta;
    int adjacency;
};

/** How debits compose. */
struct Mode {
    int mode; // DPMIX_MODE_*
    double order;
};

/** A privacy budget and its ledger. */
class Accountant : public detail::Handle<dpmix_accountant, dpmix_accountant_free> {
public:
    Accountant(double epsilon, double delta, int adjacency)
        : Handle(make(dpmix_accountant_new, epsilon, delta, adjacency))
    {
    }
    /** Takes over a C handle. */
    explicit Accountant(dpmix_accountant *owned) noexcept : Handle(owned) {}

    static Accountant adaptive(double epsilon, double delta, int adjacency, int mode, double order = 0)
    {
        return Accountant(make(dpmix_accountant_new_adaptive, epsilon, delta, adjacency, mode, order));
    }
    static Accountant open(const std::string &path, const std::string &dataset, double epsilon, double delta,
                           int adjacency)
    {
        return Accountant(make(dpmix_accountant_open, detail::c_text("path", path),
                               detail::c_text("dataset", dataset), epsilon, delta, adjacency));
    }
    static Accountant open_adaptive(const std::string &path, const std::string &dataset, double epsilon,
                                    double delta, int adjacency, int mode, double order = 0)
    {
        return Accountant(make(dpmix_accountant_open_adaptive, detail::c_text("path", path),
                               detail::c_text("dataset", dataset), epsilon, delta, adjacency, mode, order));
    }

    double spent() const
    {
        double epsilon = 0;
        check(dpmix_accountant_spent(get(), &epsilon));
        return epsilon;
    }
    double spent_group(int group) const
    {
        double epsilon = 0;
        check(dpmix_accountant_spent_group(get(), &epsilon, group));
        return epsilon;
    }
    Budget budget() const
    {
        Budget budget{};
        check(dpmix_accountant_budget(get(), &budget.epsilon, &budget.delta, &budget.adjacency));
        return budget;
    }
    Mode mode() const
    {
        Mode mode{};
        check(dpmix_accountant_mode(get(), &mode.mode, &mode.order));
        return mode;
    }
    /** The noise multipliers of a plan that fits a share of what is left. */
    std::vector<double> noise(const Mechanisms &mechanisms, double share) const
    {
        const detail::Composition plan(mechanisms);
        std::vector<double> found(plan.size());
        check(dpmix_accountant_noise(get(), found.data(), share, plan.kinds.data(), plan.noise.data(),
                                     plan.rates.data(), plan.runs.data(), plan.size()));
        return found;
    }
    std::string json() const { return detail::text(dpmix_accountant_json, get()); }
    std::string report() const { return detail::text(dpmix_accountant_report, get()); }
};

} // namespace dpmix

#endif
