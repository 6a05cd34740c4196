//! The Merkle tree over the ledger's entries (RFC 9162 §2.1), grown one leaf at a time.
//!
//! Only the roots of the perfect trees are kept, as many as the size has ones in binary: a leaf costs one hash and, on
//! average, one more. Leaves are the entries' hashes. Pure.

use super::ledger::Hash;
use sha2::{Digest, Sha256};

/// A tree that can grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect trees, the largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    /// A tree of so many leaves out of its peaks; none where their number is wrong.
    pub fn of(size: u64, peaks: &[u8]) -> Option<Tree> {
        let peaks: Vec<Hash> = peaks
            .chunks(32)
            .map(|peak| peak.try_into().ok())
            .collect::<Option<_>>()?;
        (peaks.len() == size.count_ones() as usize).then_some(Tree { size, peaks })
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The peaks as bytes.
    pub fn peaks(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Adds the leaf of some data.
    pub fn push(&mut self, data: &[u8]) {
        let mut peak: Hash = Sha256::new().chain_update([0]).chain_update(data).finalize().into();
        let mut carry = self.size;
        while carry & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            peak = node(&left, &peak);
            carry >>= 1;
        }
        self.peaks.push(peak);
        self.size += 1;
    }

    /// The root; of no leaves the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return Sha256::digest(b"").into();
        };
        peaks.fold(*last, |root, left| node(left, &root))
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let hasher = Sha256::new().chain_update([1]).chain_update(left);
    hasher.chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// MTH as RFC 9162 §2.1.1 writes it.
    fn by_definition(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [one] => Sha256::new().chain_update([0]).chain_update(one).finalize().into(),
            several => {
                let half = (several.len() - 1).ilog2();
                let (left, right) = several.split_at(1 << half);
                node(&by_definition(left), &by_definition(right))
            }
        }
    }

    #[test]
    fn the_roots_of_the_published_test_vectors_come_out() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.push(&HEXLOWER.decode(leaf.as_bytes()).unwrap());
            assert_eq!(HEXLOWER.encode(&tree.root()), root);
        }
    }

    #[test]
    fn a_grown_tree_has_the_root_of_the_definition_at_every_size() {
        let leaves: Vec<Vec<u8>> = (0..300_u32).map(|one| one.to_be_bytes().to_vec()).collect();
        let mut tree = Tree::default();
        for size in 0..=leaves.len() {
            assert_eq!(tree.root(), by_definition(&leaves[..size]), "size {size}");
            if let Some(leaf) = leaves.get(size) {
                tree.push(leaf);
            }
        }
    }

    #[test]
    fn a_tree_goes_on_from_its_peaks() {
        let mut tree = Tree::default();
        for one in 0..77_u8 {
            let mut again = Tree::of(tree.size(), &tree.peaks()).unwrap();
            again.push(&[one]);
            tree.push(&[one]);
            assert_eq!(again, tree);
        }
        assert_eq!(Tree::of(77, &tree.peaks()[32..]), None, "a peak too few");
    }
}
