/** Elements that have a scroll bar. */
() =>
  [document.documentElement, ...document.body.querySelectorAll("*")]
    .filter((each) => {
      const { overflowX, overflowY } = getComputedStyle(each);
      const scrolls = (overflow) => each === document.documentElement || /auto|scroll/.test(overflow);
      return (
        (scrolls(overflowY) && each.scrollHeight > each.clientHeight) ||
        (scrolls(overflowX) && each.scrollWidth > each.clientWidth)
      );
    })
    .map((each) => each.tagName.toLowerCase());
